//! Components of one function, `run`, written instruction by instruction: small enough to
//! hit one limit and nothing else.

use wasm_encoder::{
    CanonicalOption, CodeSection, ComponentBuilder, ComponentExportKind, ComponentTypeRef,
    ComponentValType, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, InstanceType, Instruction,
    MemorySection, MemoryType, Module, ModuleArg, PrimitiveValType, RefType, TableSection,
    TableType, TypeBounds, TypeSection, ValType,
};

/// Bytes of the memory that a guest begins with.
pub(super) const MEMORY: u64 = PAGES * 65_536;
const PAGES: u64 = 32;
/// Where a letter stands that is a good name of a header.
pub(super) const NAME: i32 = 8;
/// Where so many letters stand that are a good value of one.
pub(super) const VALUE: (i32, i32) = (1024, 1024);
/// Where results may be written to.
pub(super) const RESULT: i32 = 64;

const INTEGER: ValType = ValType::I32;

/// What a guest may call. The functions have the numbers from 0, `run` has the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Import {
    /// Nothing.
    Nothing,
    /// `get-random-bytes`: how many, and where the result goes.
    Random,
    /// The constructor of header fields, and `append`: the fields, name and length, value
    /// and length, and where the result goes.
    Fields,
    /// A maker of handles to a resource of its own.
    Handles,
}

/// What a guest is made of.
pub(super) struct Guest {
    pub(super) import: Import,
    pub(super) body: Vec<Instruction<'static>>,
    /// Further memories, of so many pages each.
    pub(super) memories: Vec<u64>,
    /// Tables, of so many elements each.
    pub(super) tables: Vec<u64>,
    /// Whether `run` returns a list of bytes; its body leaves where that is described.
    pub(super) returns_list: bool,
}

impl Guest {
    /// A guest that only has instructions.
    pub(super) fn new(body: Vec<Instruction<'static>>) -> Self {
        Self {
            import: Import::Nothing,
            body,
            memories: Vec::new(),
            tables: Vec::new(),
            returns_list: false,
        }
    }

    /// The component.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut component = ComponentBuilder::default();
        let module = component.core_module(None, &environment());
        let no_arguments: [(&str, ModuleArg); 0] = [];
        let environment = component.core_instantiate(None, module, no_arguments);
        let memory = component.core_alias_export(None, environment, "memory", ExportKind::Memory);
        let realloc = component.core_alias_export(None, environment, "realloc", ExportKind::Func);
        let options = [
            CanonicalOption::UTF8,
            CanonicalOption::Memory(memory),
            CanonicalOption::Realloc(realloc),
        ];

        let functions = self.import.functions(&mut component, options);
        let names = ["f0", "f1"];
        let exports: Vec<_> = names
            .into_iter()
            .zip(functions)
            .map(|(name, function)| (name, ExportKind::Func, function))
            .collect();
        let host = component.core_instantiate_exports(None, exports);
        let module = component.core_module(None, &self.main());
        let main = component.core_instantiate(
            None,
            module,
            [
                ("environment", ModuleArg::Instance(environment)),
                ("host", ModuleArg::Instance(host)),
            ],
        );
        let run = component.core_alias_export(None, main, "run", ExportKind::Func);
        let result = self.returns_list.then(|| {
            let (list, ty) = component.type_defined(None);
            ty.list(PrimitiveValType::U8);
            ComponentValType::Type(list)
        });
        let (function, mut ty) = component.type_function(None);
        ty.params::<[(&str, ComponentValType); 0], _>([])
            .result(result);
        let run = component.lift_func(None, run, function, options);
        component.export("run", ComponentExportKind::Func, run, None);
        component.finish()
    }

    fn main(&self) -> Module {
        let mut types = TypeSection::new();
        let mut imports = ImportSection::new();
        imports.import("environment", "memory", memory_of(PAGES));
        for (number, (parameters, results)) in self.import.signatures().into_iter().enumerate() {
            types.ty().function(parameters, results);
            let number = u32::try_from(number).unwrap();
            imports.import("host", &format!("f{number}"), EntityType::Function(number));
        }
        let results = self.returns_list.then_some(INTEGER);
        types.ty().function([], results);
        let run = types.len() - 1;
        let mut functions = FunctionSection::new();
        functions.function(run);
        let mut tables = TableSection::new();
        for elements in &self.tables {
            tables.table(TableType {
                element_type: RefType::FUNCREF,
                minimum: *elements,
                maximum: None,
                table64: false,
                shared: false,
            });
        }
        let mut memories = MemorySection::new();
        for pages in &self.memories {
            memories.memory(memory_of(*pages));
        }
        let mut exports = ExportSection::new();
        exports.export("run", ExportKind::Func, run);
        let mut code = CodeSection::new();
        let mut function = Function::new([(1, INTEGER)]);
        for instruction in &self.body {
            function.instruction(instruction);
        }
        function.instruction(&Instruction::End);
        code.function(&function);
        let mut module = Module::new();
        module
            .section(&types)
            .section(&imports)
            .section(&functions)
            .section(&tables)
            .section(&memories)
            .section(&exports)
            .section(&code);
        module
    }
}

impl Import {
    /// Parameters and results of the core functions.
    fn signatures(self) -> Vec<(Vec<ValType>, Vec<ValType>)> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Random => vec![(vec![ValType::I64, INTEGER], vec![])],
            Self::Fields => vec![(vec![], vec![INTEGER]), (vec![INTEGER; 6], vec![])],
            Self::Handles => vec![(vec![INTEGER], vec![INTEGER])],
        }
    }

    /// Imports an interface and returns its core functions.
    fn functions(
        self,
        component: &mut ComponentBuilder,
        options: [CanonicalOption; 3],
    ) -> Vec<u32> {
        let (interface, ty, names) = match self {
            Self::Nothing => return Vec::new(),
            Self::Handles => {
                let resource = component.type_resource(None, INTEGER, None);
                return vec![component.resource_new(resource)];
            }
            Self::Random => (
                "wasi:random/random@0.2.0",
                random(),
                vec!["get-random-bytes"],
            ),
            Self::Fields => (
                "wasi:http/types@0.2.0",
                fields(),
                vec!["[constructor]fields", "[method]fields.append"],
            ),
        };
        let ty = component.type_instance(None, &ty);
        let instance = component.import(interface, ComponentTypeRef::Instance(ty));
        names
            .into_iter()
            .map(|name| {
                let function = component.alias_export(instance, name, ComponentExportKind::Func);
                component.lower_func(None, function, options)
            })
            .collect()
    }
}

fn random() -> InstanceType {
    let mut ty = InstanceType::new();
    ty.ty().defined_type().list(PrimitiveValType::U8);
    ty.ty()
        .function()
        .params([("len", PrimitiveValType::U64)])
        .result(Some(ComponentValType::Type(0)));
    ty.export("get-random-bytes", ComponentTypeRef::Func(1));
    ty
}

fn fields() -> InstanceType {
    let mut ty = InstanceType::new();
    ty.export("fields", ComponentTypeRef::Type(TypeBounds::SubResource));
    let resource = 0;
    let none: Option<ComponentValType> = None;
    ty.ty()
        .defined_type()
        .variant(["invalid-syntax", "forbidden", "immutable"].map(|case| (case, none)));
    ty.export("header-error", ComponentTypeRef::Type(TypeBounds::Eq(1)));
    let error = ComponentValType::Type(2);
    ty.ty().defined_type().own(resource);
    ty.ty()
        .function()
        .params::<[(&str, ComponentValType); 0], _>([])
        .result(Some(ComponentValType::Type(3)));
    ty.export("[constructor]fields", ComponentTypeRef::Func(4));
    ty.ty().defined_type().borrow(resource);
    ty.ty().defined_type().list(PrimitiveValType::U8);
    ty.ty().defined_type().result(None, Some(error));
    ty.ty()
        .function()
        .params([
            ("self", ComponentValType::Type(5)),
            ("name", PrimitiveValType::String.into()),
            ("value", ComponentValType::Type(6)),
        ])
        .result(Some(ComponentValType::Type(7)));
    ty.export("[method]fields.append", ComponentTypeRef::Func(8));
    ty
}

fn memory_of(pages: u64) -> MemoryType {
    MemoryType {
        minimum: pages,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    }
}

/// The memory that a guest shares with the host, and an allocator that never takes
/// anything back.
fn environment() -> Module {
    let mut types = TypeSection::new();
    types.ty().function([INTEGER; 4], [INTEGER]);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut memories = MemorySection::new();
    memories.memory(memory_of(PAGES));
    let mut globals = GlobalSection::new();
    globals.global(
        GlobalType {
            val_type: INTEGER,
            mutable: true,
            shared: false,
        },
        &ConstExpr::i32_const(65_536),
    );
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    exports.export("realloc", ExportKind::Func, 0);
    let mut code = CodeSection::new();
    let mut realloc = Function::new([]);
    for instruction in [
        Instruction::GlobalGet(0),
        Instruction::GlobalGet(0),
        Instruction::LocalGet(3),
        Instruction::I32Add,
        Instruction::GlobalSet(0),
        Instruction::End,
    ] {
        realloc.instruction(&instruction);
    }
    code.function(&realloc);
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(NAME), *b"x");
    let value = vec![b'v'; usize::try_from(VALUE.1).unwrap()];
    data.active(0, &ConstExpr::i32_const(VALUE.0), value);
    let mut module = Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&memories)
        .section(&globals)
        .section(&exports)
        .section(&code)
        .section(&data);
    module
}
