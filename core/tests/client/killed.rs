//! The app's process is killed between the tap and the answer, and started again.

use crate::support::{Server, answer, callback, installation, request, soon};
use ringback_core::client::{ClientConfig, RingbackClient};
use ringback_core::host::{FileStore, Host};
use ringback_core::transport::ReqwestTransport;
use std::collections::HashSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};

const URL: &str = "RINGBACK_TEST_URL";
const DATA: &str = "RINGBACK_TEST_DATA";
const ROUNDS: usize = 25;

/// What the killed process does: one tap.
async fn tap(url: String, data: &str) {
    let transport = Arc::new(ReqwestTransport::new().expect("a transport"));
    let host = Host::new(Arc::new(FileStore::new(data)), transport);
    let client = RingbackClient::new(ClientConfig::new(url, "rb_pub_key", data), host).expect("a client");
    client.request_callback(request()).await.expect("accepted");
}

fn start_app(url: &str, data: &Path) -> Child {
    let name = "killed::every_tap_is_one_callback_whenever_the_app_is_killed";
    let mut app = Command::new(std::env::current_exe().expect("this test"));
    app.args(["--exact", name])
        .env(URL, url)
        .env(DATA, data)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("started")
}

/// Where in the server the app is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Registering,
    BeforeTheCallbackIsMade,
    AfterTheCallbackIsMade,
}

/// Says that a moment has come, and waits until the app is dead.
type Reached = mpsc::UnboundedSender<(Moment, oneshot::Sender<()>)>;

async fn reach(moment: Moment, reached: &Reached) {
    let (go_on, wait) = oneshot::channel();
    // Nobody listens once the app may live.
    if reached.send((moment, go_on)).is_ok() {
        let _ = wait.await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tap_is_one_callback_whenever_the_app_is_killed() {
    if let (Ok(url), Ok(data)) = (std::env::var(URL), std::env::var(DATA)) {
        return tap(url, &data).await;
    }
    for round in 0..ROUNDS {
        let fatal =
            [Moment::Registering, Moment::BeforeTheCallbackIsMade, Moment::AfterTheCallbackIsMade][round % 3];
        let (reached, mut moments) = mpsc::unbounded_channel();
        let made: Arc<Mutex<HashSet<String>>> = Arc::default();
        let made_here = made.clone();
        let server = Server::start(move |seen| {
            let (reached, made): (Reached, _) = (reached.clone(), made_here.clone());
            async move {
                if seen.is("POST", "/v1/installations") {
                    reach(Moment::Registering, &reached).await;
                    return installation("token-1");
                }
                if seen.is("POST", "/v1/callbacks") {
                    reach(Moment::BeforeTheCallbackIsMade, &reached).await;
                    made.lock().expect("not poisoned").insert(seen.key().to_owned());
                    reach(Moment::AfterTheCallbackIsMade, &reached).await;
                    return answer(201, &callback("cb_1", "queued"));
                }
                answer(200, &callback("cb_1", "queued"))
            }
        })
        .await;
        let data = tempfile::tempdir().expect("a folder");
        let mut app = start_app(&server.url, data.path());
        loop {
            let (moment, go_on) = soon(moments.recv()).await.expect("a moment");
            if moment == fatal {
                app.kill().await.expect("dead");
                let _ = go_on.send(());
                break;
            }
            let _ = go_on.send(());
        }
        drop(moments);
        let mut app = start_app(&server.url, data.path());
        let ended = soon(app.wait()).await.expect("ended");
        assert!(ended.success(), "round {round}: the second start is answered");
        assert_eq!(
            made.lock().expect("not poisoned").len(),
            1,
            "round {round}: one callback, killed at {fatal:?}"
        );
    }
}
