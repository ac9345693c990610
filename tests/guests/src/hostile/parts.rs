//! What a component can have beside what a compiler makes: further modules that ask for
//! more than any, or that run before anybody has called them. Written byte by byte as the
//! specifications of WebAssembly and of the component model say.

/// The first bytes of a core module.
const MODULE: &[u8] = b"\0asm\x01\0\0\0";
/// Where the sections of a component begin.
const HEADER: usize = 8;

/// A part that is added to a component.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// A table with so many elements.
    Table(u32),
    /// A memory with so many pages of 64 KiB.
    Memory(u32),
    /// A module that does nothing, instantiated so many times.
    Instances(u32),
    /// A module that computes without end as soon as it is instantiated.
    EndlessStart,
}

impl Part {
    /// The component with this part.
    pub(super) fn added_to(self, mut component: Vec<u8>) -> Vec<u8> {
        let index = number_of_modules(&component);
        let (module, instances) = match self {
            // A table of function references without a maximum.
            Self::Table(elements) => (
                module(&[(4, [&[1, 0x70, 0][..], &leb(elements)].concat())]),
                1,
            ),
            Self::Memory(pages) => (module(&[(5, [&[1, 0][..], &leb(pages)].concat())]), 1),
            Self::Instances(number) => (module(&[]), number),
            Self::EndlessStart => (
                module(&[
                    // One type, without parameters and results; one function of it; that
                    // function is the start; its body is `loop br 0 end`.
                    (1, vec![1, 0x60, 0, 0]),
                    (3, vec![1, 0]),
                    (8, vec![0]),
                    (10, vec![1, 7, 0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b]),
                ]),
                1,
            ),
        };
        component.extend(section(1, &module));
        // Each an instantiation (0) of that module without arguments.
        let mut list = leb(instances);
        for _ in 0..instances {
            list.push(0);
            list.extend(leb(index));
            list.push(0);
        }
        component.extend(section(2, &list));
        component
    }
}

/// A core module of sections, each an id and its content.
fn module(sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut module = MODULE.to_vec();
    for (id, content) in sections {
        module.extend(section(*id, content));
    }
    module
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    [&[id][..], &leb(length), content].concat()
}

/// LEB128, as all numbers are written.
fn leb(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// How many core modules a component has, which is the index of the next one: each has a
/// section of its own with the id 1.
fn number_of_modules(component: &[u8]) -> u32 {
    let mut bytes = component.iter().copied().skip(HEADER);
    let mut modules = 0;
    while let Some(id) = bytes.next() {
        modules += u32::from(id == 1);
        let mut length = 0_usize;
        for position in 0.. {
            let byte = bytes.next().unwrap_or_default();
            length |= usize::from(byte & 0x7f) << (7 * position);
            if byte & 0x80 == 0 {
                break;
            }
        }
        if length > 0 {
            bytes.nth(length - 1);
        }
    }
    modules
}
