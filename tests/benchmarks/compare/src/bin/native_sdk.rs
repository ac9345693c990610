//! What somebody would write today: the AWS SDK for Rust, its paginators, JSON lines.
//!
//! Users are listed beside groups, and the members of up to `--in-flight` groups at once;
//! with 1 everything is read one after the other.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::{Context, Result, bail};
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_cognitoidentityprovider::types::UserType;
use clap::Parser;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;

#[derive(Parser)]
struct Options {
    #[arg(long)]
    endpoint: String,
    #[arg(long)]
    pool: String,
    #[arg(long)]
    region: String,
    #[arg(long)]
    key_id: String,
    #[arg(long)]
    secret: String,
    #[arg(long, default_value_t = 1)]
    in_flight: usize,
    #[arg(long)]
    output: PathBuf,
}

/// The largest page.
const LIMIT: i32 = 60;

struct Sink {
    file: Mutex<(BufWriter<File>, [u64; 3])>,
}

impl Sink {
    fn write(&self, kind: usize, rows: impl Iterator<Item = serde_json::Value>) -> Result<()> {
        let mut file = self.file.lock().unwrap();
        for row in rows {
            serde_json::to_writer(&mut file.0, &row)?;
            file.0.write_all(b"\n")?;
            file.1[kind] += 1;
        }
        Ok(())
    }
}

fn user_row(user: &UserType) -> serde_json::Value {
    let attributes: serde_json::Map<_, _> = user
        .attributes()
        .iter()
        .map(|attribute| (attribute.name().to_owned(), attribute.value().into()))
        .collect();
    json!({
        "user": user.username(),
        "attributes": attributes,
        "enabled": user.enabled(),
        "status": user.user_status().map(|status| status.as_str()),
        "created": user.user_create_date().map(|date| date.to_string()),
        "modified": user.user_last_modified_date().map(|date| date.to_string()),
    })
}

async fn users(client: &Client, pool: &str, sink: &Sink) -> Result<()> {
    let mut pages = client
        .list_users()
        .user_pool_id(pool)
        .limit(LIMIT)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page?;
        sink.write(0, page.users().iter().map(user_row))?;
    }
    Ok(())
}

async fn groups(client: &Client, pool: &str, sink: &Sink) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut pages = client
        .list_groups()
        .user_pool_id(pool)
        .limit(LIMIT)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page?;
        let rows = page.groups().iter().map(|group| {
            json!({
                "group": group.group_name(),
                "description": group.description(),
                "role": group.role_arn(),
                "precedence": group.precedence(),
            })
        });
        sink.write(1, rows)?;
        for group in page.groups() {
            names.push(
                group
                    .group_name()
                    .context("a group without a name")?
                    .to_owned(),
            );
        }
    }
    Ok(names)
}

async fn members(client: &Client, pool: &str, group: &str, sink: &Sink) -> Result<()> {
    let mut pages = client
        .list_users_in_group()
        .user_pool_id(pool)
        .group_name(group)
        .limit(LIMIT)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page?;
        let rows = page
            .users()
            .iter()
            .map(|user| json!({ "group": group, "member": user.username() }));
        sink.write(2, rows)?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    if options.in_flight == 0 {
        bail!("--in-flight must be at least 1");
    }
    let config = aws_sdk_cognitoidentityprovider::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(options.region))
        .credentials_provider(Credentials::new(
            options.key_id,
            options.secret,
            None,
            None,
            "given",
        ))
        .endpoint_url(options.endpoint)
        .build();
    let client = Client::from_conf(config);
    let sink = Sink {
        file: Mutex::new((BufWriter::new(File::create(&options.output)?), [0; 3])),
    };
    let pool = options.pool.as_str();
    let memberships = async |in_flight: usize| -> Result<()> {
        let names = groups(&client, pool, &sink).await?;
        stream::iter(names)
            .map(Ok)
            .try_for_each_concurrent(in_flight, |name| {
                let (client, sink) = (&client, &sink);
                async move { members(client, pool, &name, sink).await }
            })
            .await
    };
    if options.in_flight == 1 {
        users(&client, pool, &sink).await?;
        memberships(1).await?;
    } else {
        tokio::try_join!(
            users(&client, pool, &sink),
            memberships(options.in_flight - 1)
        )?;
    }
    let (mut file, counts) = sink.file.into_inner().unwrap();
    file.flush()?;
    let [users, groups, memberships] = counts;
    println!(
        "{}",
        json!({ "users": users, "groups": groups, "memberships": memberships })
    );
    Ok(())
}
