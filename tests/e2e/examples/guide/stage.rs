//! What the surroundings of all snippets have in common, and what these name.

pub(crate) use ringback_core::client::{
    ClientConfig, ClientError, PushOutcome, ResumeOutcome, RingbackClient,
};
pub(crate) use ringback_core::host::{FileStore, Host};
pub(crate) use ringback_core::protocol::{
    AvailabilityRequest, CallbackRequest, CallbackState, ConfirmAnswer, ContextValue, PersonName,
    PhoneNumber, PushEvent, RoutingPhase, WallTime,
};
pub(crate) use ringback_core::transport::ReqwestTransport;
pub(crate) use ringback_e2e::{Centre, CentreSettings, Phone, PhoneKind, metric, push_data};
pub(crate) use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::watch;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Outcome = Result<(), Failure>;

const LIMIT: Duration = Duration::from_secs(60);

/// Plays one with a contact centre and a folder of its own.
pub(crate) async fn tell(place: &str, play: impl AsyncFn(&Centre, &Path) -> Outcome) -> Outcome {
    let centre = Centre::start(CentreSettings::default()).await?;
    let folder = tempfile::tempdir()?;
    // Some keep their data in a folder beside them.
    std::env::set_current_dir(folder.path())?;
    match tokio::time::timeout(LIMIT, play(&centre, folder.path())).await? {
        Ok(()) => eprintln!("ok      {place}"),
        Err(error) => return Err(format!("{place}: {error}").into()),
    }
    Ok(())
}

pub(crate) fn ensure(holds: bool, message: &str) -> Outcome {
    if holds { Ok(()) } else { Err(message.into()) }
}

/// A client that gives up after one try.
pub(crate) fn client(url: &str, centre: &Centre, folder: &Path) -> Result<RingbackClient, Failure> {
    let config =
        ClientConfig { max_tries: 1, ..ClientConfig::new(url, &centre.app_key, folder.to_string_lossy()) };
    let store = Arc::new(FileStore::new(folder.join("secrets")));
    Ok(RingbackClient::new(config, Host::new(store, Arc::new(ReqwestTransport::new()?)))?)
}

/// The server has said 201 to a request for a call.
pub(crate) async fn has_accepted(centre: &Centre) -> Outcome {
    let labels = ["\"/v1/callbacks\"", "\"201\""];
    let accepted = metric(&centre.url, "ringback_request_seconds_count", &labels).await?;
    ensure(accepted > 0.0, "no callback was accepted")
}

static SHOWN: LazyLock<watch::Sender<u32>> = LazyLock::new(|| watch::Sender::new(0));

/// What the app shows the person.
pub(crate) fn show<T>(_: T) {
    SHOWN.send_modify(|count| *count += 1);
}

/// The person chooses.
pub(crate) fn choose(mut times: Vec<WallTime>) -> Result<WallTime, Failure> {
    times.pop().ok_or_else(|| "there is nothing to choose from".into())
}

/// The app opens the dialer.
pub(crate) fn dial(uri: PhoneNumber) {
    show(uri);
}

/// Many snippets listen for ever: this ends as soon as something has been shown, which has to be.
pub(crate) async fn until_shown(snippet: impl Future<Output = Outcome>) -> Outcome {
    let mut screen = SHOWN.subscribe();
    tokio::select! {
        done = snippet => done?,
        changed = screen.changed() => return Ok(changed?),
    }
    ensure(screen.has_changed()?, "it has shown nothing")
}
