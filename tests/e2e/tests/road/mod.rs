//! The road between an app and the server: a proxy that passes bytes on, or does not.

use crate::support::Failure;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// What happens on the road.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Everything gets through.
    Fine,
    /// No connection is taken: to the app the server is down.
    Closed,
    /// Requests get no further; the connection stays open.
    Blocked,
    /// The connection breaks off before the server has heard anything.
    CutRequests,
    /// Requests get through, and nothing comes back.
    NoAnswers,
    /// The answer breaks off after its first bytes.
    CutAnswers,
}

/// How much of an answer gets through before it breaks off: part of the head.
const CUT_AFTER: usize = 40;

/// A request that the weather shall wait for, and whom to tell.
type Hold = Arc<Mutex<Option<(&'static str, Weather, mpsc::Sender<()>)>>>;

pub(crate) struct Road {
    /// Where the app finds the server.
    pub(crate) url: String,
    weather: watch::Sender<Weather>,
    hold: Hold,
    task: JoinHandle<()>,
}

impl Drop for Road {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Road {
    pub(crate) async fn open(server: &str) -> Result<Self, Failure> {
        let server = server.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let weather = watch::Sender::new(Weather::Fine);
        let hold = Hold::default();
        let (changes, held) = (weather.clone(), hold.clone());
        let task = tokio::spawn(async move {
            let mut listener = Some(listener);
            let mut look = changes.subscribe();
            loop {
                // A port that nobody listens on refuses; once the weather is better it is ours again.
                if *look.borrow_and_update() == Weather::Closed {
                    listener = None;
                } else if listener.is_none() {
                    listener = TcpListener::bind(address).await.ok();
                }
                let Some(listener) = &listener else {
                    let _ = look.changed().await;
                    continue;
                };
                tokio::select! {
                    _ = look.changed() => {}
                    Ok((app, _)) = listener.accept() => {
                        tokio::spawn(pass(app, server.clone(), changes.clone(), held.clone()));
                    }
                }
            }
        });
        Ok(Self { url: format!("http://{address}"), weather, hold, task })
    }

    /// From now on it is like this. Connections of before are not kept: they end with their next bytes.
    pub(crate) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// When this request comes along, the weather turns. The receiver hears of it: with [`Weather::NoAnswers`] once the
    /// server has answered, else once the request is there.
    pub(crate) fn hold(&self, request: &'static str, weather: Weather) -> mpsc::Receiver<()> {
        let (reached, hear) = mpsc::channel(4);
        *self.hold.lock().unwrap() = Some((request, weather, reached));
        hear
    }
}

/// One connection. Requests of these apps fit into one read, and so do the answers.
async fn pass(mut app: TcpStream, server: String, weather: watch::Sender<Weather>, hold: Hold) {
    let Ok(mut upstream) = TcpStream::connect(server).await else { return };
    let (mut asked, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut tell = None;
    let mut look = weather.subscribe();
    loop {
        tokio::select! {
            read = app.read(&mut asked) => {
                let Ok(1..) = read else { return };
                let request = &asked[..read.unwrap_or_default()];
                tell = turn(request, &weather, &hold).or(tell);
                match *weather.borrow() {
                    Weather::Blocked => {
                        if let Some(reached) = tell.take() {
                            let _ = reached.try_send(());
                        }
                        continue;
                    }
                    Weather::CutRequests | Weather::Closed => return reset(&app),
                    Weather::Fine | Weather::NoAnswers | Weather::CutAnswers => {}
                }
                if upstream.write_all(request).await.is_err() {
                    return;
                }
            }
            read = upstream.read(&mut answered) => {
                let Ok(1..) = read else { return };
                let answer = &answered[..read.unwrap_or_default()];
                let now = *weather.borrow();
                match now {
                    Weather::NoAnswers => {
                        if let Some(reached) = tell.take() {
                            let _ = reached.try_send(());
                        }
                    }
                    Weather::CutAnswers => {
                        let _ = app.write_all(&answer[..answer.len().min(CUT_AFTER)]).await;
                        return reset(&app);
                    }
                    _ if app.write_all(answer).await.is_err() => return,
                    _ => {}
                }
            }
            _ = look.changed() => {
                if *look.borrow_and_update() == Weather::Closed {
                    return;
                }
            }
        }
    }
}

/// The weather turns if this is the request that it waits for.
fn turn(request: &[u8], weather: &watch::Sender<Weather>, hold: &Hold) -> Option<mpsc::Sender<()>> {
    let mut hold = hold.lock().unwrap();
    let (_, turned, reached) = hold.take_if(|(start, ..)| request.starts_with(start.as_bytes()))?;
    weather.send_replace(turned);
    Some(reached)
}

/// Ends a connection with a RST instead of a FIN.
fn reset(connection: &TcpStream) {
    let _ = connection.set_zero_linger();
}
