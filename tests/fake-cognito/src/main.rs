//! `fake-cognito`: the double as a program, for the demo, for benchmarks and for trying things out.
//!
//! When it is ready it prints one line of JSON with what a client needs, and then it serves until it
//! is killed or, with `--exit-with-stdin`, until its standard input closes.

use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use fake_cognito::{
    Class, Clock, Config, Generated, GroupSizes, Key, Latency, Paging, PoolSpec, Quotas, Server,
    sample_pool,
};
use serde_json::json;

/// A double of the Amazon Cognito user pools API, on loopback only.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Port of 127.0.0.1 to listen on; 0 lets the system choose.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Serve the demo's company instead of a generated pool.
    #[arg(long, conflicts_with_all = ["users", "groups", "members_per_group", "seed"])]
    sample: bool,
    /// Users of the generated pool.
    #[arg(long, default_value_t = 1_000)]
    users: u32,
    /// Groups of the generated pool.
    #[arg(long, default_value_t = 20)]
    groups: u32,
    /// Members of every group; without it the groups are as different as a company's.
    #[arg(long)]
    members_per_group: Option<u32>,
    /// Seed of the generated pool.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Pool id; its front part must be the Region.
    #[arg(long, default_value = "us-east-1_Example01")]
    pool_id: String,
    /// Region that signatures must name; the front part of the pool id by default.
    #[arg(long)]
    region: Option<String>,
    /// Access key id that is accepted.
    #[arg(long, default_value = "AKIDEXAMPLE")]
    access_key_id: String,
    /// Secret of that key.
    #[arg(long, default_value = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")]
    secret_access_key: String,
    /// Session token that must come with the key.
    #[arg(long)]
    session_token: Option<String>,
    /// Quota: `aws` for the defaults of an account, or CLASS=RPS; may be repeated.
    #[arg(long, value_name = "aws|CLASS=RPS")]
    quota: Vec<Quota>,
    /// Milliseconds that every request waits.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Milliseconds that are added at most, by chance.
    #[arg(long, default_value_t = 0)]
    jitter_ms: u64,
    /// Pages out of 1,000 that hold fewer items than asked for.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=1_000))]
    short_pages: u16,
    /// Pages out of 1,000 that are empty and have a token.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=1_000))]
    empty_pages: u16,
    /// Seconds by which the server's clock is wrong.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    clock_offset: i64,
    /// Threads to serve on.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// End when standard input closes.
    #[arg(long)]
    exit_with_stdin: bool,
}

#[derive(Clone, Copy, Debug)]
enum Quota {
    Aws,
    Class(Class, f64),
}

impl FromStr for Quota {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "aws" {
            return Ok(Self::Aws);
        }
        let (class, rate) = text
            .split_once('=')
            .ok_or_else(|| "expected aws or CLASS=RPS".to_owned())?;
        let class = class.parse::<Class>().map_err(|error| error.to_string())?;
        let rate = rate
            .parse::<f64>()
            .ok()
            .filter(|rate| rate.is_finite() && *rate >= 0.0)
            .ok_or_else(|| format!("{rate:?} is not a number of requests per second"))?;
        Ok(Self::Class(class, rate))
    }
}

fn quotas(chosen: &[Quota]) -> Quotas {
    let quotas = if chosen.iter().any(|quota| matches!(quota, Quota::Aws)) {
        Quotas::cognito()
    } else {
        Quotas::unlimited()
    };
    for quota in chosen {
        if let Quota::Class(class, rate) = quota {
            quotas.set(*class, Some(*rate));
        }
    }
    quotas
}

fn config(options: &Options) -> Config {
    let pool = if options.sample {
        sample_pool(&options.pool_id)
    } else {
        PoolSpec::generated(
            &options.pool_id,
            Generated {
                users: options.users,
                groups: options.groups,
                sizes: options
                    .members_per_group
                    .map_or(GroupSizes::Mixed, GroupSizes::Uniform),
                seed: options.seed,
            },
        )
    };
    let mut key = Key::new(&options.access_key_id, &options.secret_access_key);
    if let Some(token) = &options.session_token {
        key = key.session_token(token);
    }
    let clock = Clock::system();
    clock.set_offset_ms(options.clock_offset.saturating_mul(1_000));
    let config = Config::new()
        .port(options.port)
        .pool(pool)
        .key(key)
        .clock(clock)
        .quotas(quotas(&options.quota))
        .latency(Latency {
            fixed: Duration::from_millis(options.latency_ms),
            jitter: Duration::from_millis(options.jitter_ms),
            seed: options.seed,
        })
        .paging(Paging {
            short_per_mille: options.short_pages,
            empty_per_mille: options.empty_pages,
            empty_at_end: false,
            seed: options.seed,
        })
        .threads(options.threads);
    match &options.region {
        Some(region) => config.region(region),
        None => config,
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let server = Server::start_blocking(config(options))?;
    let ready = json!({
        "endpoint": server.endpoint(),
        "pool_id": options.pool_id,
        "region": server.region(),
        "access_key_id": options.access_key_id,
        "secret_access_key": options.secret_access_key,
        "session_token": options.session_token,
    });
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{ready}")?;
    stdout.flush()?;
    drop(stdout);
    if options.exit_with_stdin {
        io::copy(&mut io::stdin().lock().by_ref(), &mut io::sink())?;
        return Ok(());
    }
    loop {
        std::thread::park();
    }
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = error
                .source()
                .map(|cause| format!(": {cause}"))
                .unwrap_or_default();
            // Nothing is left to be done about a closed standard error.
            let _ = writeln!(io::stderr(), "fake-cognito: {error}{cause}");
            ExitCode::FAILURE
        }
    }
}
