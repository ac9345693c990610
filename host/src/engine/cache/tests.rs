use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;

/// A component with code in it: one function that returns a number.
fn component() -> Vec<u8> {
    use wasm_encoder::{
        CodeSection, ComponentBuilder, Function, FunctionSection, Instruction, Module, TypeSection,
        ValType,
    };
    let mut types = TypeSection::new();
    types.ty().function([], [ValType::I32]);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut number = Function::new([]);
    number.instruction(&Instruction::I32Const(42));
    number.instruction(&Instruction::End);
    let mut code = CodeSection::new();
    code.function(&number);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&code);
    let mut component = ComponentBuilder::default();
    component.core_module(None, &module);
    component.finish()
}

/// A cache with the compiled form of [`component`] in it.
struct Filled {
    folder: TempDir,
    cache: Cache,
    engine: wasmtime::Engine,
    bytes: Vec<u8>,
    file: PathBuf,
    compiled: Vec<u8>,
}

impl Filled {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let engine = wasmtime::Engine::default();
        let bytes = component();
        cache.component(&engine, &bytes).unwrap();
        let files = files(folder.path());
        assert_eq!(files.len(), 1, "{files:?}");
        let file = files[0].clone();
        Self {
            compiled: fs::read(&file).unwrap(),
            folder,
            cache,
            engine,
            bytes,
            file,
        }
    }

    fn is_kept(&self) -> bool {
        let key = key(&self.engine, &self.bytes);
        self.cache.kept(&self.engine, &key).is_some()
    }

    /// Asks for the component, and makes sure that the one file is what it was at first.
    fn is_mended(&self) {
        self.cache.component(&self.engine, &self.bytes).unwrap();
        assert_eq!(files(self.folder.path()), std::slice::from_ref(&self.file));
        assert!(fs::symlink_metadata(&self.file).unwrap().is_file());
        assert_eq!(fs::read(&self.file).unwrap(), self.compiled);
        assert!(self.is_kept());
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
fn a_component_is_compiled_once_and_then_loaded() {
    let filled = Filled::new();
    assert!(filled.is_kept());
    filled.is_mended();
    let mode = fs::metadata(&filled.file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_file_that_was_changed_is_compiled_again_and_never_run() {
    let filled = Filled::new();
    let length = filled.compiled.len();
    for position in [0, length / 4, length / 2, length - 1] {
        let mut changed = filled.compiled.clone();
        changed[position] ^= 1;
        fs::write(&filled.file, &changed).unwrap();
        assert!(!filled.is_kept(), "byte {position}");
        assert!(!filled.file.exists(), "byte {position}");
        filled.is_mended();
    }
    for cut in [0, length / 2] {
        fs::write(&filled.file, &filled.compiled[..cut]).unwrap();
        assert!(!filled.is_kept(), "cut to {cut}");
        filled.is_mended();
    }
}

#[test]
fn a_file_of_which_the_digest_is_right_and_the_code_is_not_is_compiled_again() {
    let filled = Filled::new();
    let other = b"not compiled code";
    let digest = hex::encode(Sha256::digest(other));
    let key = key(&filled.engine, &filled.bytes);
    fs::remove_file(&filled.file).unwrap();
    fs::write(filled.folder.path().join(file_name(&key, &digest)), other).unwrap();
    filled.is_mended();
}

#[test]
fn another_engine_and_another_component_have_a_file_of_their_own() {
    let filled = Filled::new();
    let mut config = wasmtime::Config::new();
    config.epoch_interruption(true);
    let other = wasmtime::Engine::new(&config).unwrap();
    let own = key(&filled.engine, &filled.bytes);
    let others = key(&other, &filled.bytes);
    assert_ne!(others, own);
    assert_ne!(key(&filled.engine, b"another"), own);
    assert_eq!(key(&wasmtime::Engine::default(), &filled.bytes), own);
    assert!(filled.cache.kept(&other, &others).is_none());
    filled.cache.component(&other, &filled.bytes).unwrap();
    assert_eq!(files(filled.folder.path()).len(), 2);
}

#[test]
fn a_link_and_a_file_that_others_can_write_are_replaced() {
    let filled = Filled::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("target");
    fs::rename(&filled.file, &target).unwrap();
    symlink(&target, &filled.file).unwrap();
    assert!(!filled.is_kept(), "a link with the right content");
    assert!(target.exists(), "what it led to was removed");
    filled.is_mended();

    fs::set_permissions(&filled.file, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(!filled.is_kept(), "others can write it");
    filled.is_mended();

    fs::hard_link(&filled.file, elsewhere.path().join("second")).unwrap();
    assert!(!filled.is_kept(), "it can be written elsewhere");
    filled.is_mended();
}

#[test]
fn many_at_once_get_the_component_and_leave_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = component();
    let engine = wasmtime::Engine::default();
    for round in 0..3 {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let cache = Cache::open(folder.path()).unwrap();
                    cache.component(&engine, &bytes).unwrap();
                });
            }
        });
        let found = files(folder.path());
        assert_eq!(found.len(), 1, "round {round}: {found:?}");
        if round == 1 {
            // The next ones find a file that is wrong, all at once.
            fs::write(&found[0], b"wrong").unwrap();
        }
    }
}

#[test]
fn a_cache_that_is_removed_meanwhile_costs_time_and_nothing_else() {
    let filled = Filled::new();
    let running = filled
        .cache
        .component(&filled.engine, &filled.bytes)
        .unwrap();
    fs::remove_dir_all(filled.folder.path()).unwrap();
    let again = filled.cache.component(&filled.engine, &filled.bytes);
    let (again, before) = (again.unwrap().serialize(), running.serialize());
    assert_eq!(again.unwrap(), before.unwrap());
    assert!(!filled.folder.path().exists());
}

#[test]
fn compiled_code_that_nobody_used_for_long_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path()).unwrap();
    let now = SystemTime::now();
    let old = now - UNUSED_FOR - Duration::from_secs(60);
    let make = |name: &str, modified, accessed| {
        let file = fs::File::create(folder.path().join(name)).unwrap();
        let times = fs::FileTimes::new()
            .set_modified(modified)
            .set_accessed(accessed);
        file.set_times(times).unwrap();
    };
    make("unused.cwasm", old, old);
    make("read.cwasm", old, now);
    make("written.cwasm", now, old);
    make(".left-by-a-crash.tmp", old, old);
    make(".being-written.tmp", now, now);
    make("something-else", old, old);
    let engine = wasmtime::Engine::default();
    cache.component(&engine, &component()).unwrap();
    for (name, kept) in [
        ("unused.cwasm", false),
        ("read.cwasm", true),
        ("written.cwasm", true),
        (".left-by-a-crash.tmp", false),
        (".being-written.tmp", true),
        ("something-else", true),
    ] {
        assert_eq!(folder.path().join(name).exists(), kept, "{name}");
    }
    assert_eq!(files(folder.path()).len(), 5);
}
