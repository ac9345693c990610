//! Whole syncs side by side: the connector, a program on the AWS SDK for Rust, boto3 and the
//! AWS CLI, each against the same double of the service, in rounds that alternate.
//!
//! `cargo run --release` in this folder builds what is needed and prints a table of medians
//! and ratios. The double's own work is not counted in the CPU time, but it shares the
//! machine.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use serde::Deserialize;
use wait4::Wait4;

/// Whole syncs side by side.
#[derive(Parser)]
struct Options {
    /// Rounds; the slow contenders have one.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Sizes: users/groups/members of each group.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "10000/100/100,100000/500/400"
    )]
    sizes: Vec<Size>,
    /// Latencies of the service in milliseconds.
    #[arg(long, value_delimiter = ',', default_value = "0,20")]
    latencies: Vec<u64>,
    /// Who takes part.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "connector,sdk-8,sdk-1,boto3,cli"
    )]
    only: Vec<Contender>,
    /// More arguments of `connector sync`.
    #[arg(long, default_value = "")]
    ours_with: String,
    /// Also what would take many minutes: boto3 and the CLI with the large pool and latency.
    #[arg(long)]
    all: bool,
}

#[derive(Clone, Copy, Debug)]
struct Size {
    users: u64,
    groups: u64,
    members: u64,
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Vec<u64> = text
            .split('/')
            .map(|number| number.parse().map_err(|_| format!("{number} is no number")))
            .collect::<Result<_, _>>()?;
        match numbers[..] {
            [users, groups, members] => Ok(Self {
                users,
                groups,
                members,
            }),
            _ => Err("write USERS/GROUPS/MEMBERS".to_owned()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Contender {
    Connector,
    #[value(name = "sdk-8")]
    SdkEight,
    #[value(name = "sdk-1")]
    SdkOne,
    Boto3,
    Cli,
}

impl Contender {
    fn name(self) -> &'static str {
        match self {
            Self::Connector => "connector",
            Self::SdkEight => "native SDK, 8 in flight",
            Self::SdkOne => "native SDK, sequential",
            Self::Boto3 => "boto3",
            Self::Cli => "AWS CLI",
        }
    }

    /// Whether it takes minutes where others take seconds.
    fn is_slow(self) -> bool {
        matches!(self, Self::Boto3 | Self::Cli)
    }
}

/// What a sync took.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    wall: Duration,
    cpu: Duration,
    peak_mib: u64,
}

/// What it read.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
struct Counts {
    users: u64,
    groups: u64,
    memberships: u64,
}

#[derive(Debug, Deserialize)]
struct Service {
    endpoint: String,
    pool_id: String,
    region: String,
    access_key_id: String,
    secret_access_key: String,
}

/// The double of the service, which ends with this.
struct Fake(Child, Service);

impl Drop for Fake {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Fake {
    fn start(programs: &Programs, size: Size, latency: u64) -> Result<Self> {
        let mut child = Command::new(&programs.fake)
            .args(["--users", &size.users.to_string()])
            .args(["--groups", &size.groups.to_string()])
            .args(["--members-per-group", &size.members.to_string()])
            .args(["--latency-ms", &latency.to_string()])
            .arg("--exit-with-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("fake-cognito")?;
        let mut line = String::new();
        let output = child.stdout.take().context("no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let service = serde_json::from_str(&line).context("fake-cognito did not start")?;
        Ok(Self(child, service))
    }
}

struct Programs {
    connector: PathBuf,
    fake: PathBuf,
    sdk: PathBuf,
    folder: PathBuf,
}

impl Programs {
    /// Builds the workspace's programs; Cargo has built the SDK's with this one.
    fn build() -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let workspace = folder.join("../../..");
        let built = Command::new("cargo")
            .args(["build", "--release", "--locked"])
            .args(["--package", "connector-host", "--package", "fake-cognito"])
            .current_dir(&workspace)
            .status()?;
        ensure!(built.success(), "the connector could not be built");
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| workspace.join("target"), PathBuf::from);
        let sdk = std::env::current_exe()?.with_file_name("native_sdk");
        ensure!(
            sdk.exists(),
            "run this with `cargo run --release`, which builds {}",
            sdk.display()
        );
        Ok(Self {
            connector: target.join("release/connector"),
            fake: target.join("release/fake-cognito"),
            sdk,
            folder: folder.to_owned(),
        })
    }
}

/// Runs a program to its end, and returns what it printed and took.
fn measured(command: &mut Command) -> Result<(Vec<u8>, Taken)> {
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{command:?}"))?;
    let mut output = Vec::new();
    std::io::Read::read_to_end(&mut child.stdout.take().context("no output")?, &mut output)?;
    let used = child.wait4()?;
    ensure!(
        used.status.success(),
        "{command:?} ended with {}",
        used.status
    );
    let taken = Taken {
        wall: started.elapsed(),
        cpu: used.rusage.utime + used.rusage.stime,
        peak_mib: used.rusage.maxrss / (1024 * 1024),
    };
    Ok((output, taken))
}

fn run(
    contender: Contender,
    programs: &Programs,
    service: &Service,
    with: &str,
    folder: &Path,
) -> Result<(Counts, Taken)> {
    let given = |command: &mut Command| {
        command
            .args(["--endpoint", &service.endpoint, "--pool", &service.pool_id])
            .args(["--region", &service.region])
            .args(["--key-id", &service.access_key_id])
            .args(["--secret", &service.secret_access_key, "--output"])
            .arg(folder.join("rows.jsonl"));
    };
    let parsed = |(output, taken): (Vec<u8>, Taken)| Ok((serde_json::from_slice(&output)?, taken));
    match contender {
        Contender::Connector => ours(programs, service, with, folder),
        Contender::SdkEight | Contender::SdkOne => {
            let in_flight = if contender == Contender::SdkOne {
                "1"
            } else {
                "8"
            };
            let mut command = Command::new(&programs.sdk);
            command.args(["--in-flight", in_flight]);
            given(&mut command);
            parsed(measured(&mut command)?)
        }
        Contender::Boto3 => {
            let mut command = Command::new("python3");
            command.arg(programs.folder.join("scripts/boto3_sync.py"));
            given(&mut command);
            parsed(measured(&mut command)?)
        }
        Contender::Cli => cli(service),
    }
}

fn ours(
    programs: &Programs,
    service: &Service,
    with: &str,
    folder: &Path,
) -> Result<(Counts, Taken)> {
    let store = tempfile::tempdir_in(folder)?;
    let mut command = Command::new(&programs.connector);
    command
        .args(["sync", "--max-rate", "unlimited", "-o", "json", "--quiet"])
        .args(["--user-pool-id", &service.pool_id])
        .args(["--endpoint-url", &service.endpoint])
        .args(["--aws-access-key-id", &service.access_key_id])
        .args(["--aws-secret-access-key", &service.secret_access_key])
        .arg("--store")
        .arg(store.path().join("connector.db"))
        .args(with.split_whitespace())
        .env("HOME", folder);
    let (output, taken) = measured(&mut command)?;
    let summary: serde_json::Value = serde_json::from_slice(&output)?;
    let count = |name: &str| summary[name].as_u64().unwrap_or_default();
    let counts = Counts {
        users: count("users"),
        groups: count("groups"),
        memberships: count("grants"),
    };
    Ok((counts, taken))
}

/// The AWS CLI pages by itself; the members of each group take a process of their own.
fn cli(service: &Service) -> Result<(Counts, Taken)> {
    let mut total = Taken::default();
    let mut ask = |arguments: &[&str], rows: &str| -> Result<Vec<serde_json::Value>> {
        let mut command = Command::new("aws");
        command
            .args([
                "cognito-idp",
                "--output",
                "json",
                "--region",
                &service.region,
            ])
            .args(["--endpoint-url", &service.endpoint])
            .args(arguments)
            .args(["--user-pool-id", &service.pool_id])
            .env("AWS_ACCESS_KEY_ID", &service.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &service.secret_access_key);
        let (output, taken) = measured(&mut command)?;
        total.wall += taken.wall;
        total.cpu += taken.cpu;
        total.peak_mib = total.peak_mib.max(taken.peak_mib);
        let mut answer: serde_json::Value = serde_json::from_slice(&output)?;
        match answer[rows].take() {
            serde_json::Value::Array(rows) => Ok(rows),
            _ => bail!("the AWS CLI printed no {rows}"),
        }
    };
    let users = ask(&["list-users"], "Users")?.len() as u64;
    let groups = ask(&["list-groups"], "Groups")?;
    let mut memberships = 0;
    for group in &groups {
        let name = group["GroupName"]
            .as_str()
            .context("a group without a name")?;
        memberships += ask(&["list-users-in-group", "--group-name", name], "Users")?.len() as u64;
    }
    let counts = Counts {
        users,
        groups: groups.len() as u64,
        memberships,
    };
    Ok((counts, total))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn compare(options: &Options, programs: &Programs, size: Size, latency: u64) -> Result<()> {
    let fake = Fake::start(programs, size, latency)?;
    let folder = tempfile::tempdir()?;
    let truth = Counts {
        users: size.users,
        groups: size.groups,
        memberships: size.groups * size.members,
    };
    let mut runs: Vec<(Contender, Vec<Taken>)> = Vec::new();
    for &contender in &options.only {
        if contender.is_slow() && size.users > 10_000 && latency > 0 && !options.all {
            println!("not run: {} (--all runs it)", contender.name());
        } else {
            runs.push((contender, Vec::new()));
        }
    }
    for round in 0..=options.rounds {
        for (contender, taken) in &mut runs {
            // The first round warms caches and is not counted.
            if contender.is_slow() && round != 1 {
                continue;
            }
            let ran = run(
                *contender,
                programs,
                &fake.1,
                &options.ours_with,
                folder.path(),
            );
            let (counts, took) = ran.with_context(|| contender.name().to_owned())?;
            ensure!(
                counts == truth,
                "{} read {counts:?}, not {truth:?}",
                contender.name()
            );
            if round > 0 {
                taken.push(took);
            }
        }
    }
    println!(
        "\n| {}/{}x{}, {latency} ms | wall | CPU | peak | wall of SDK, 8 | CPU of SDK, 8 |\n|---|---|---|---|---|---|",
        size.users, size.groups, size.members
    );
    let medians = |taken: &[Taken]| {
        let of = |value: fn(&Taken) -> f64| median(taken.iter().map(value).collect());
        (
            of(|taken| taken.wall.as_secs_f64()),
            of(|taken| taken.cpu.as_secs_f64()),
            of(|taken| taken.peak_mib as f64),
        )
    };
    let sdk = runs
        .iter()
        .find(|(contender, _)| *contender == Contender::SdkEight);
    let (sdk_wall, sdk_cpu, _) =
        sdk.map_or((f64::NAN, f64::NAN, f64::NAN), |(_, taken)| medians(taken));
    for (contender, taken) in &runs {
        let (wall, cpu, peak) = medians(taken);
        println!(
            "| {} | {wall:.2} s | {cpu:.2} s | {peak:.0} MiB | {:.2} | {:.2} |",
            contender.name(),
            wall / sdk_wall,
            cpu / sdk_cpu,
        );
    }
    Ok(())
}

fn main() -> Result<()> {
    let mut options = Options::parse();
    let programs = Programs::build()?;
    let missing = |program: &str, arguments: &[&str]| {
        let ran = Command::new(program)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        !ran.is_ok_and(|status| status.success())
    };
    for (contender, program, arguments, install) in [
        (
            Contender::Boto3,
            "python3",
            &["-c", "import boto3"][..],
            "pip install boto3",
        ),
        (
            Contender::Cli,
            "aws",
            &["--version"][..],
            "pip install awscli",
        ),
    ] {
        if options.only.contains(&contender) && missing(program, arguments) {
            println!("not run: {} is not there ({install})", contender.name());
            options.only.retain(|other| *other != contender);
        }
    }
    for &size in &options.sizes {
        for &latency in &options.latencies {
            compare(&options, &programs, size, latency)?;
        }
    }
    Ok(())
}
