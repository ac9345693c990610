//! Each limit, hit by a real component. What wasmtime says then has no type in some cases,
//! so these tests are also what notices that another version of it says something else.

mod guest;

use std::sync::Arc;

use wasm_encoder::{BlockType, HeapType, Instruction as I};

use self::guest::{Guest, Import, MEMORY, NAME, RESULT, VALUE};
use super::component::linker;
use super::instance::{Run, bounded};
use super::redact::Secrets;
use super::state::State;
use super::stderr::Capture;
use super::{CallError, Engine};
use crate::contract::Function;
use crate::egress::{Call, EgressHooks};
use crate::limits::{Excess, Limit, Limits};

fn compiled(engine: &Engine, guest: &Guest) -> wasmtime::component::Component {
    wasmtime::component::Component::new(&engine.inner, guest.encode()).unwrap()
}

fn store(engine: &Engine, limits: Limits) -> wasmtime::Store<State> {
    let capture = Capture::new("guest", Secrets::default(), &limits, Arc::default());
    let state = State::new(EgressHooks::closed(), capture, limits);
    bounded(&engine.inner, state)
}

/// Instantiates a guest and calls it, as an instance does with a component of the contract.
async fn run(engine: &Engine, guest: &Guest, limits: Limits) -> Result<(), CallError> {
    let component = compiled(engine, guest);
    let linker = linker(&engine.inner).unwrap();
    let mut store = store(engine, limits);
    let function = Function::ListGrants;
    let run = Run::begin(&mut store, Call::new(function.name()), function);
    let call = async {
        let instance = linker.instantiate_async(&mut store, &component).await?;
        if guest.returns_list {
            instance
                .get_typed_func::<(), (Vec<u8>,)>(&mut store, "run")?
                .call_async(&mut store, ())
                .await
                .map(drop)
        } else {
            instance
                .get_typed_func::<(), ()>(&mut store, "run")?
                .call_async(&mut store, ())
                .await
        }
    };
    let outcome = run.within_time(call).await;
    run.end(&mut store, Some("guest"), outcome).answer
}

/// A guest that hits a limit, what holds for it, and what is told.
struct Case {
    limit: Limit,
    guest: Guest,
    allowed: u64,
    wanted: Option<u64>,
}

/// A panic, as after a refusal that leaves nothing else to do.
fn or_panic(mut growing: Vec<I<'static>>) -> Vec<I<'static>> {
    growing.extend([
        I::I32Const(-1),
        I::I32Eq,
        I::If(BlockType::Empty),
        I::Unreachable,
        I::End,
    ]);
    growing
}

fn for_ever(mut body: Vec<I<'static>>) -> Vec<I<'static>> {
    body.insert(0, I::Loop(BlockType::Empty));
    body.extend([I::Br(0), I::End]);
    body
}

fn cases() -> Vec<Case> {
    let calling = |import, body| Guest {
        import,
        ..Guest::new(body)
    };
    let growing = or_panic(vec![I::I32Const(100), I::MemoryGrow(0)]);
    let growing_table = or_panic(vec![
        I::RefNull(HeapType::FUNC),
        I::I32Const(1000),
        I::TableGrow(0),
    ]);
    let random = vec![I::I64Const(1 << 20), I::I32Const(RESULT), I::Call(0)];
    let append = vec![
        I::LocalGet(0),
        I::I32Const(NAME),
        I::I32Const(1),
        I::I32Const(VALUE.0),
        I::I32Const(VALUE.1),
        I::I32Const(RESULT),
        I::Call(1),
    ];
    let mut header_bomb = vec![I::Call(0), I::LocalSet(0)];
    header_bomb.extend(for_ever(append));
    // A list of a megabyte that begins at the beginning.
    let list = vec![
        I::I32Const(RESULT),
        I::I32Const(0),
        I::I32Store(wasm_encoder::MemArg {
            offset: 0,
            align: 2,
            memory_index: 0,
        }),
        I::I32Const(RESULT),
        I::I32Const(1 << 20),
        I::I32Store(wasm_encoder::MemArg {
            offset: 4,
            align: 2,
            memory_index: 0,
        }),
        I::I32Const(RESULT),
    ];
    let case = |limit, guest, allowed, wanted| Case {
        limit,
        guest,
        allowed,
        wanted,
    };
    vec![
        case(
            Limit::Memory,
            Guest::new(growing),
            2 * MEMORY,
            Some(MEMORY + 100 * 65_536),
        ),
        case(
            Limit::Memory,
            Guest {
                memories: vec![100],
                ..Guest::new(Vec::new())
            },
            2 * MEMORY,
            Some(MEMORY + 100 * 65_536),
        ),
        case(
            Limit::Memories,
            Guest {
                memories: vec![1],
                ..Guest::new(Vec::new())
            },
            1,
            Some(2),
        ),
        case(
            Limit::Tables,
            Guest {
                tables: vec![1, 1],
                ..Guest::new(Vec::new())
            },
            1,
            Some(2),
        ),
        case(
            Limit::TableElements,
            Guest {
                tables: vec![1],
                ..Guest::new(growing_table)
            },
            500,
            Some(1001),
        ),
        case(Limit::Instances, Guest::new(Vec::new()), 1, Some(2)),
        case(Limit::Compute, Guest::new(for_ever(Vec::new())), 50, None),
        case(
            Limit::HostCall,
            Guest {
                returns_list: true,
                ..Guest::new(list)
            },
            64 << 10,
            None,
        ),
        case(
            Limit::Handles,
            calling(
                Import::Handles,
                for_ever(vec![I::I32Const(7), I::Call(0), I::Drop]),
            ),
            100,
            None,
        ),
        case(
            Limit::HostResources,
            calling(Import::Fields, for_ever(vec![I::Call(0), I::Drop])),
            100,
            None,
        ),
        case(
            Limit::RequestHeaders,
            calling(Import::Fields, header_bomb),
            8 << 10,
            None,
        ),
        case(
            Limit::Random,
            calling(Import::Random, random),
            64 << 10,
            Some(1 << 20),
        ),
    ]
}

fn engine() -> Engine {
    Engine::new(None).unwrap()
}

#[tokio::test]
async fn each_limit_is_told_from_a_trap_and_the_next_call_works() {
    let engine = engine();
    for case in cases() {
        let limits = Limits::default().with(case.limit, case.allowed);
        let told = match run(&engine, &case.guest, limits).await {
            Err(CallError::LimitHit(hit)) => hit,
            other => panic!("{}: {other:?}", case.limit),
        };
        let expected = Excess {
            wanted: case.wanted,
            ..Excess::of(case.limit, case.allowed)
        };
        assert_eq!(told.excess, expected, "{told}");
        let text = told.to_string();
        let beginning = format!(
            "the component `guest` hit the limit `{}` of {} in sync.list-grants: ",
            case.limit,
            case.limit.row().unit.shown(case.allowed)
        );
        assert!(text.starts_with(&beginning), "{text}");
        let honest = Guest::new(vec![I::Nop]);
        run(&engine, &honest, Limits::default()).await.unwrap();
    }
}

#[tokio::test]
async fn what_one_limit_stops_no_other_one_does() {
    let engine = engine();
    // With the defaults these go through, so it was their limit that stopped them above.
    for case in cases() {
        let endless = [Limit::Compute, Limit::Handles, Limit::HostResources];
        if endless.contains(&case.limit)
            || [Limit::RequestHeaders, Limit::Random].contains(&case.limit)
        {
            continue;
        }
        let outcome = run(&engine, &case.guest, Limits::default()).await;
        assert!(outcome.is_ok(), "{}: {outcome:?}", case.limit);
    }
}

#[tokio::test]
async fn the_wall_clock_ends_what_may_still_compute() {
    let limits = Limits::default()
        .with(Limit::CallTime, 50)
        .with(Limit::Compute, 60_000);
    let endless = Guest::new(for_ever(Vec::new()));
    let error = run(&engine(), &endless, limits).await.unwrap_err();
    assert!(matches!(error, CallError::TimedOut { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the component did not finish sync.list-grants within the limit `call-time` of 50 ms"
    );
}

#[tokio::test]
async fn a_trap_without_a_refusal_is_the_components_own() {
    let engine = engine();
    let panics = Guest::new(vec![I::Unreachable]);
    let error = run(&engine, &panics, Limits::default()).await.unwrap_err();
    assert!(matches!(error, CallError::Trapped { .. }), "{error:?}");
    // Beyond what its own memory may ever have is no limit of the host.
    let grows_beyond = Guest::new(or_panic(vec![I::I32Const(65_536), I::MemoryGrow(0)]));
    let error = run(&engine, &grows_beyond, Limits::default())
        .await
        .unwrap_err();
    assert!(matches!(error, CallError::Trapped { .. }), "{error:?}");
}

#[tokio::test]
async fn a_refusal_is_forgotten_with_its_call() {
    let at = |offset| wasm_encoder::MemArg {
        offset,
        align: 0,
        memory_index: 0,
    };
    // Copes with a refusal the first time, and panics the second time.
    let guest = Guest::new(vec![
        I::I32Const(RESULT),
        I::I32Load8U(at(0)),
        I::If(BlockType::Empty),
        I::Unreachable,
        I::End,
        I::I32Const(RESULT),
        I::I32Const(1),
        I::I32Store8(at(0)),
        I::I32Const(100),
        I::MemoryGrow(0),
        I::Drop,
    ]);
    let engine = engine();
    let limits = Limits::default().with(Limit::Memory, MEMORY);
    let mut store = store(&engine, limits);
    let component = compiled(&engine, &guest);
    let instance = linker(&engine.inner)
        .unwrap()
        .instantiate_async(&mut store, &component)
        .await
        .unwrap();
    let mut refusals = Vec::new();
    for _ in 0..2 {
        let function = Function::ListGrants;
        let run = Run::begin(&mut store, Call::new(function.name()), function);
        let called = instance
            .get_typed_func::<(), ()>(&mut store, "run")
            .unwrap();
        let outcome = run.within_time(called.call_async(&mut store, ())).await;
        let ended = run.end(&mut store, None, outcome);
        refusals.push((ended.refused.is_some(), ended.answer));
    }
    assert!(
        matches!(
            refusals.as_slice(),
            [(true, Ok(())), (false, Err(CallError::Trapped { .. }))]
        ),
        "{refusals:?}"
    );
}

#[tokio::test]
async fn a_refusal_that_a_component_copes_with_is_no_failure() {
    let grows = Guest::new(vec![I::I32Const(100), I::MemoryGrow(0), I::Drop]);
    let limits = Limits::default().with(Limit::Memory, MEMORY);
    run(&engine(), &grows, limits).await.unwrap();
}
