use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context as Of, SubscriberExt};

use super::*;

const SECRET: &str = "s3cr3t-value";

fn capture(limits: &Limits) -> Capture {
    let secrets = Secrets::new(&[SECRET.to_owned()]);
    Capture::new("test", secrets, limits, Arc::default())
}

fn write(capture: &Capture, stream: Stream, bytes: &[u8]) {
    let mut sink = capture.stream(stream);
    assert!(sink.check_write().unwrap() > 0);
    OutputStream::write(&mut sink, Bytes::copy_from_slice(bytes)).unwrap();
    sink.flush().unwrap();
}

fn last_lines_of(writes: &[&[u8]]) -> Vec<String> {
    let capture = capture(&Limits::default());
    capture.begin_call("sync.open");
    for bytes in writes {
        write(&capture, Stream::Error, bytes);
    }
    capture.end_call()
}

/// What was logged: the level, and each field with its value.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Log {
    fn on_event(&self, event: &tracing::Event<'_>, _: Of<'_, S>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!(" {field}={value:?}"));
            }
        }
        let mut text = Text(event.metadata().level().to_string());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }
}

fn logged(work: impl FnOnce()) -> Vec<String> {
    let log = Log::default();
    let subscriber = tracing_subscriber::registry().with(log.clone());
    tracing::subscriber::with_default(subscriber, work);
    let lines = log.0.lock().unwrap();
    lines.clone()
}

#[test]
fn lines_are_joined_across_writes_and_a_rest_without_line_end_counts() {
    assert_eq!(
        last_lines_of(&[b"one\ntw", b"o\n\nthr", b"ee"]),
        ["one", "two", "three"]
    );
}

#[test]
fn secrets_and_escape_sequences_do_not_get_through() {
    assert_eq!(
        last_lines_of(&[b"key=s3cr3t", b"-value \x1b[2Jabc\xff\xc2\x9b"]),
        ["key=[secret] \\u{1b}[2Jabc\u{fffd}\\u{9b}"]
    );
}

#[test]
fn a_secret_at_the_end_of_what_is_kept_is_not_cut_into_a_part_of_it() {
    let limits = Limits::default().with(Limit::StderrLine, 10);
    for before in 0..12 {
        let capture = capture(&limits);
        capture.begin_call("sync.open");
        let line = format!("{}{SECRET} and more\n", "x".repeat(before));
        write(&capture, Stream::Error, line.as_bytes());
        let last = capture.end_call();
        let whole = format!("{}[secret] and more", "x".repeat(before));
        assert_eq!(last, [&whole[..10]], "{before} bytes before it");
    }
}

#[test]
fn every_stream_that_a_component_opens_ends_in_the_same_line() {
    let capture = capture(&Limits::default());
    capture.begin_call("sync.open");
    write(&capture, Stream::Error, b"one ");
    write(&capture, Stream::Output, b"another");
    write(&capture, Stream::Error, b"line");
    assert_eq!(capture.end_call(), ["another", "one line"]);
}

#[test]
fn a_flood_is_cut_and_does_not_grow_memory() {
    let limits = Limits::default()
        .with(Limit::StderrLine, 100)
        .with(Limit::StderrLines, 10)
        .with(Limit::StderrBytes, 450);
    let capture = capture(&limits);
    capture.begin_call("sync.open");
    for _ in 0..1000 {
        write(&capture, Stream::Error, &[b'x'; 5000]);
    }
    let longest = Secrets::new(&[SECRET.to_owned()]).longest();
    capture.with(|lines| {
        assert!(lines.error.capacity() < 1000, "{}", lines.error.capacity());
        assert_eq!(lines.dropped_bytes, 5_000_000 - 100 - longest);
    });
    write(&capture, Stream::Error, b"\n");
    for _ in 0..1000 {
        write(&capture, Stream::Error, b"a line of 20 letters\n");
    }
    capture.with(|lines| {
        assert_eq!((lines.lines, lines.dropped_lines), (10, 991));
        assert_eq!(lines.bytes, 100 + 9 * 20);
        assert_eq!(lines.dropped_bytes, 5_000_000 - 100 + 991 * 20);
    });
    capture.begin_call("sync.system");
    for _ in 0..9 {
        write(&capture, Stream::Error, &[b'x'; 99]);
        write(&capture, Stream::Error, b"\n");
    }
    capture.with(|lines| assert_eq!((lines.lines, lines.bytes), (4, 4 * 99)));
}

#[test]
fn the_fields_of_the_host_cannot_be_forged() {
    let lines = logged(|| {
        let capture = capture(&Limits::default());
        capture.begin_call("sync.open");
        let forged = b"fine\" connector=\"other\" level=ERROR\n{\"level\":\"ERROR\"}\n";
        write(&capture, Stream::Error, forged);
        write(&capture, Stream::Output, b"x");
        capture.end_call();
    });
    let fields = |stream: &str, line: &str| {
        format!(
            "DEBUG message=the component wrote connector=\"test\" call=\"sync.open\" \
             stream=\"{stream}\" line={line}"
        )
    };
    assert_eq!(
        lines,
        [
            fields("stderr", r#""fine\" connector=\"other\" level=ERROR""#),
            fields("stderr", r#""{\"level\":\"ERROR\"}""#),
            fields("stdout", "\"x\""),
        ]
    );
}

#[test]
fn what_is_dropped_is_told_once_and_forgotten_with_the_call() {
    let limits = Limits::default().with(Limit::StderrLines, 2);
    let told = Arc::default();
    let of_instance = || Capture::new("test", Secrets::default(), &limits, Arc::clone(&told));
    let flood = |capture: &Capture| {
        capture.begin_call("sync.open");
        write(capture, Stream::Error, b"one\ntwo\nthree\nfour\n");
        capture.end_call();
    };
    let lines = logged(|| {
        let capture = of_instance();
        flood(&capture);
        flood(&capture);
        flood(&of_instance());
        capture.begin_call("sync.open");
        capture.end_call();
    });
    let dropped: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains("dropped"))
        .collect();
    assert_eq!(dropped.len(), 3, "{lines:?}");
    let warnings = lines.iter().filter(|line| line.starts_with("WARN"));
    assert_eq!(warnings.collect::<Vec<_>>(), dropped[..1], "{lines:?}");
    for expected in [
        "\"test\" wrote more in sync.open",
        "`stderr-lines`",
        "9 bytes were dropped, 2 whole lines",
    ] {
        assert!(dropped[0].contains(expected), "{dropped:?}");
    }
}
