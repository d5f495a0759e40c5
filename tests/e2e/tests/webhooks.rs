//! Webhooks as a receiver sees them: `tests/webhooks-receiver/receiver.py`, which verifies with a library that is not
//! ours, is told of real callbacks by the real server. `cargo xtask test` sets `RINGBACK_STANDARDWEBHOOKS`.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail the test")]

use reqwest::{Method, StatusCode};
use ringback_core::client::PushOutcome;
use ringback_core::protocol::{ConfirmAnswer, EventKind};
use ringback_e2e::{CentreSettings, Phone, PhoneKind, Staff, number};
use ringback_server::storage::Engine;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

mod support;
use support::{Failure, World};

/// Longer than a lease.
const PATIENCE: Duration = Duration::from_secs(60);

const CONFIG: &str =
    "[webhooks]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\nretry_after_s = [1, 1]\n";

async fn world(engine: Engine) -> Result<World, Failure> {
    World::start_with(engine, CentreSettings { config: CONFIG.to_owned(), ..CentreSettings::default() }).await
}

/// The receiver as a process of its own.
struct Receiver {
    url: String,
    secret_file: PathBuf,
    lines: Lines<BufReader<ChildStdout>>,
    stdin: ChildStdin,
    _process: Child,
}

/// A request as the receiver saw it.
#[derive(Debug)]
struct Arrived {
    genuine: bool,
    duplicate: bool,
    headers: Value,
    text: String,
    body: Value,
}

impl Arrived {
    fn id(&self) -> &str {
        self.headers["webhook-id"].as_str().unwrap_or_default()
    }

    fn signatures(&self) -> usize {
        self.headers["webhook-signature"].as_str().unwrap_or_default().split(' ').count()
    }
}

impl Receiver {
    async fn start(world: &World, name: &str, arguments: &[&str]) -> Result<Self, Failure> {
        let package = std::env::var_os("RINGBACK_STANDARDWEBHOOKS").ok_or(
            "RINGBACK_STANDARDWEBHOOKS is not set: run `cargo xtask test`, which fetches the package",
        )?;
        let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../webhooks-receiver/receiver.py");
        let secret_file = world.folder(name);
        let mut process = Command::new("python3")
            .arg(program)
            .args(["--port", "0", "--secret-file"])
            .arg(&secret_file)
            .args(arguments)
            .env("PYTHONPATH", package)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(process.stdout.take().ok_or("no output")?).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await??.ok_or("the receiver ended")?;
        let url = line.strip_prefix("listening on ").ok_or("the receiver does not listen")?.to_owned();
        let stdin = process.stdin.take().ok_or("no input")?;
        Ok(Self { url, secret_file, lines, stdin, _process: process })
    }

    /// Has the centre tell this receiver of everything.
    async fn register(&self, staff: &Staff, path: &str) -> Result<(), Failure> {
        let webhook = json!({ "name": "crm", "url": format!("{}{path}", self.url) });
        let made = staff.ask(Method::POST, "webhooks", Some(webhook)).await?;
        self.know(&made)
    }

    fn know(&self, made: &Value) -> Result<(), Failure> {
        let secret = made["secret"].as_str().ok_or("no secret")?;
        assert!(secret.starts_with("whsec_"));
        Ok(std::fs::write(&self.secret_file, secret)?)
    }

    async fn next(&mut self) -> Result<Arrived, Failure> {
        let line =
            tokio::time::timeout(PATIENCE, self.lines.next_line()).await??.ok_or("the receiver ended")?;
        let record: Value = serde_json::from_str(&line)?;
        let text = record["body"].as_str().unwrap_or_default().to_owned();
        Ok(Arrived {
            genuine: record["genuine"] == true,
            duplicate: record["duplicate"] == true,
            headers: record["headers"].clone(),
            body: serde_json::from_str(&text)?,
            text,
        })
    }

    /// The next requests' types, each of them genuine.
    async fn types(&mut self, count: usize) -> Result<Vec<String>, Failure> {
        let mut types = Vec::new();
        for _ in 0..count {
            let arrived = self.next().await?;
            assert!(arrived.genuine, "{arrived:?}");
            types.push(arrived.body["type"].as_str().unwrap_or_default().to_owned());
        }
        Ok(types)
    }

    async fn answer(&mut self) -> Result<(), Failure> {
        Ok(self.stdin.write_all(b"\n").await?)
    }

    /// What arrived, sent once more by somebody who is not the server.
    async fn forge(&self, arrived: &Arrived, body: &str) -> Result<StatusCode, Failure> {
        let mut request = reqwest::Client::new().post(&self.url).body(body.to_owned());
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            request = request.header(name, arrived.headers[name].as_str().unwrap_or_default());
        }
        Ok(request.send().await?.status())
    }
}

/// Waits until a delivery is in this state, and gives it with its attempts.
async fn settled(staff: &Staff, id: &str, state: &str) -> Result<Value, Failure> {
    let path = format!("webhooks/crm/deliveries/{id}");
    let wait = async {
        loop {
            let delivery = staff.ask(Method::GET, &path, None).await?;
            if delivery["state"] == state {
                return Ok::<_, Failure>(delivery);
            }
            // Nothing tells staff that a delivery has moved.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.map_err(|_| format!("{id} does not become {state}"))?
}

const STORY: [&str; 7] =
    ["requested", "reserved", "notified", "confirmed", "connecting", "processing", "completed"];

async fn a_callback_is_told_in_order_and_signed(engine: Engine) -> Result<(), Failure> {
    let world = world(engine).await?;
    let centre = &world.centre;
    let staff = centre.staff();
    let mut receiver = Receiver::start(&world, "secret", &[]).await?;
    receiver.register(&staff, "/").await?;

    let phone = Phone::new(centre, PhoneKind::Iphone, &world.folder("phone"), None)?;
    phone.register_push().await?;
    let callback = phone.client.request_callback(Phone::request("billing", number(0))).await?;
    staff.agent("ada", "ready").await?;
    let push = phone.wait_for_push(centre, &callback.id).await?;
    let PushOutcome::Event { action_token, .. } = phone.receive(&push).await? else {
        return Err("the push was not understood".into());
    };
    phone.until(&callback.id, EventKind::Notified).await?;
    phone.client.confirm(callback.id.clone(), ConfirmAnswer::Ready, action_token).await?;
    phone.until(&callback.id, EventKind::Connecting).await?;
    staff.result(&callback.id, "connected").await?;
    staff.complete(&callback.id).await?;

    let mut story = Vec::new();
    for (index, kind) in STORY.iter().enumerate() {
        let arrived = receiver.next().await?;
        assert!(arrived.genuine && !arrived.duplicate, "{arrived:?}");
        assert_eq!(arrived.signatures(), 1);
        assert_eq!(arrived.body["type"], format!("callback.{kind}"));
        let data = &arrived.body["data"];
        assert_eq!((&data["callback"]["id"], &data["seq"]), (&json!(callback.id), &json!(index + 1)));
        let private = [number(0).expose().to_owned(), ringback_e2e::context_values()[0].to_owned()];
        assert!(private.iter().all(|private| !arrived.text.contains(private)), "{arrived:?}");
        story.push(arrived);
    }

    // Somebody else's words are not taken, ours are.
    let ended = story.last().unwrap();
    assert_eq!(receiver.forge(ended, &ended.text.replace("handled", "cancelled")).await?, 401);
    assert!(!receiver.next().await?.genuine);
    assert_eq!(receiver.forge(ended, &ended.text).await?, 204);
    assert!(receiver.next().await?.duplicate);

    // Everything once more from the third event on, under the ids it had.
    let since = json!({ "since": story[2].body["timestamp"] });
    settled(&staff, ended.id(), "delivered").await?;
    let replayed = staff.ask(Method::POST, "webhooks/crm/replay", Some(since)).await?;
    assert_eq!(replayed["events"], 5);
    for told in &story[2..] {
        let again = receiver.next().await?;
        assert!(again.duplicate);
        assert_eq!((again.id(), &again.text), (told.id(), &told.text));
    }
    // Told is not yet written down, and until it is the next one waits its turn.
    settled(&staff, ended.id(), "delivered").await?;
    let one =
        staff.ask(Method::POST, &format!("webhooks/crm/deliveries/{}/replay", story[0].id()), None).await?;
    assert_eq!(one["state"], "pending");
    assert_eq!(receiver.next().await?.id(), story[0].id());
    let tries = settled(&staff, story[0].id(), "delivered").await?["tries"].clone();
    assert_eq!((tries.as_array().map(Vec::len), &tries[0]["status"]), (Some(2), &json!(204)));
    Ok(())
}

async fn both_secrets_sign_while_one_is_replaced(engine: Engine) -> Result<(), Failure> {
    let world = world(engine).await?;
    let staff = world.centre.staff();
    let mut receiver = Receiver::start(&world, "secret", &[]).await?;
    receiver.register(&staff, "/").await?;
    let test = || staff.ask(Method::POST, "webhooks/crm/test", None);

    let rotated = staff.ask(Method::POST, "webhooks/crm/rotate-secret", Some(json!({}))).await?;
    test().await?;
    let with_old = receiver.next().await?;
    assert!(with_old.genuine && with_old.signatures() == 2, "{with_old:?}");
    assert_eq!(with_old.body["type"], "webhook.test");
    receiver.know(&rotated)?;
    test().await?;
    assert!(receiver.next().await?.genuine, "the new one signs too");

    // Without grace the one before is worth nothing at once.
    let rotation = json!({ "grace_s": 0 });
    let rotated = staff.ask(Method::POST, "webhooks/crm/rotate-secret", Some(rotation)).await?;
    test().await?;
    let refused = receiver.next().await?;
    assert!(!refused.genuine && refused.signatures() == 1, "{refused:?}");
    receiver.know(&rotated)?;
    let again = receiver.next().await?;
    assert!(again.genuine, "it is tried again, and the receiver has the new one now");
    assert_eq!(again.id(), refused.id());
    Ok(())
}

async fn who_is_gone_is_told_no_more(engine: Engine) -> Result<(), Failure> {
    let world = world(engine).await?;
    let staff = world.centre.staff();
    let mut receiver = Receiver::start(&world, "secret", &[]).await?;
    receiver.register(&staff, "/status/410").await?;
    let phone = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("phone"), None)?;
    let callback = phone.client.request_callback(Phone::request("billing", number(1))).await?;
    assert_eq!(receiver.types(1).await?, ["callback.requested"]);
    let disabled = async {
        loop {
            let webhook = staff.ask(Method::GET, "webhooks/crm", None).await?;
            if webhook["enabled"] == false {
                return Ok::<_, Failure>(webhook);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, disabled).await??["disabled_reason"], "gone");
    staff.ask(Method::POST, &format!("callbacks/{}/cancel", callback.id), None).await?;

    // Enabled again it hears what was on its way; what it missed meanwhile comes with a replay.
    let webhook = json!({ "name": "crm", "url": receiver.url });
    staff.ask(Method::PUT, "webhooks/crm", Some(webhook)).await?;
    assert_eq!(receiver.types(1).await?, ["callback.requested"]);
    let since = json!({ "since": callback.created_at });
    settled(&staff, &format!("{}_1", callback.id), "delivered").await?;
    staff.ask(Method::POST, "webhooks/crm/replay", Some(since)).await?;
    assert_eq!(receiver.types(2).await?, ["callback.requested", "callback.completed"]);
    Ok(())
}

async fn a_refusal_is_tried_again_and_holds_up_its_callback_alone(engine: Engine) -> Result<(), Failure> {
    let world = world(engine).await?;
    let staff = world.centre.staff();
    let mut receiver = Receiver::start(&world, "secret", &[]).await?;
    receiver.register(&staff, "/status/500").await?;
    let phone = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("phone"), None)?;
    let callback = phone.client.request_callback(Phone::request("billing", number(2))).await?;
    staff.ask(Method::POST, &format!("callbacks/{}/cancel", callback.id), None).await?;
    // Three attempts at the first event before the second has its turn, and three at that.
    let wanted = ["callback.requested", "callback.completed"].map(|kind| [kind; 3]).concat();
    assert_eq!(receiver.types(6).await?, wanted);
    let story = settled(&staff, &format!("{}_1", callback.id), "dead").await?;
    assert_eq!(story["attempts"], 3);
    assert_eq!(
        (&story["tries"][2]["status"], &story["tries"][2]["reason"]),
        (&json!(500), &json!("refused"))
    );
    settled(&staff, &format!("{}_2", callback.id), "dead").await?;
    let dead = staff.ask(Method::GET, "webhooks/crm/deliveries?state=dead", None).await?;
    assert_eq!(dead.as_array().map(Vec::len), Some(2));
    assert!(staff.ask(Method::GET, "webhooks/crm", None).await?["failing_since"].is_string());
    Ok(())
}

async fn killed_before_the_answer_it_sends_the_same_id_again(engine: Engine) -> Result<(), Failure> {
    let mut world = world(engine).await?;
    let staff = world.centre.staff();
    let mut receiver = Receiver::start(&world, "secret", &["--hold"]).await?;
    receiver.register(&staff, "/").await?;
    let phone = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("phone"), None)?;
    let callback = phone.client.request_callback(Phone::request("billing", number(3))).await?;
    let first = receiver.next().await?;
    world.centre.kill().await?;
    receiver.answer().await?;
    world.centre.start_server().await?;
    let again = receiver.next().await?;
    assert!(again.genuine && again.duplicate, "{again:?}");
    assert_eq!((again.id(), &again.text), (first.id(), &first.text));
    receiver.answer().await?;
    let story = settled(&staff, &format!("{}_1", callback.id), "delivered").await?;
    assert_eq!((&story["attempts"], story["tries"].as_array().map(Vec::len)), (&json!(2), Some(1)));
    Ok(())
}

support::on_both_engines! {
    story => |engine| a_callback_is_told_in_order_and_signed(engine);
    rotation => |engine| both_secrets_sign_while_one_is_replaced(engine);
    gone => |engine| who_is_gone_is_told_no_more(engine);
    refused => |engine| a_refusal_is_tried_again_and_holds_up_its_callback_alone(engine);
    killed => |engine| killed_before_the_answer_it_sends_the_same_id_again(engine);
}
