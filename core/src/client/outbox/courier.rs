//! Takes kept requests to the server.

use super::folder::Folder;
use super::record::Record;
use super::{ClientError, LOG_TARGET};
use crate::client::captcha::{Captcha, NotPassed};
use crate::client::exchange::{Answer, Failed, Outgoing};
use crate::client::installation::Session;
use crate::host::{LogLevel, Logger, Stalled, blocking};
use serde::de::DeserializeOwned;
use std::io;
use std::sync::Arc;

/// The outbox's folder and the way to the server. Clones share both.
#[derive(Clone)]
pub(crate) struct Courier {
    pub(crate) session: Arc<Session>,
    pub(crate) folder: Arc<Folder>,
    pub(crate) captcha: Captcha,
    pub(crate) log: Logger,
}

/// So many tokens are got for a request at most: one that is refused each time will be refused again.
const MAX_TOKENS: u32 = 3;

impl Courier {
    /// Sends a kept request and forgets it once it is answered for good. When a CAPTCHA is asked for, gets it passed and
    /// sends the same request with its token. The record holds none: after a restart the server asks again.
    pub(crate) async fn deliver<T: DeserializeOwned>(&self, record: &Record) -> Result<T, ClientError> {
        let answer = self.send(record).await?;
        match self.session.exchange.read(&record.outgoing(), &answer) {
            Ok(answer) => {
                self.forget_answered(&record.key).await;
                Ok(answer)
            }
            Err(error) => Err(error.still_pending(&record.key)),
        }
    }

    async fn send(&self, record: &Record) -> Result<Answer, ClientError> {
        let (mut tokens, mut captcha) = (0, None);
        loop {
            let outgoing = Outgoing { captcha: captcha.take(), ..record.outgoing() };
            let failed = match self.session.send(&outgoing).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            if let Some(challenge) = failed.challenge.as_deref().filter(|_| tokens < MAX_TOKENS) {
                tokens += 1;
                match self.captcha.pass(challenge, record.kind).await {
                    Ok(passed) => {
                        captcha = Some(passed);
                        continue;
                    }
                    Err(NotPassed::Now) => return Err(failed.error.still_pending(&record.key)),
                    Err(NotPassed::Ever) => {}
                }
            }
            let Failed { error, settled, .. } = failed;
            if !settled {
                return Err(error.still_pending(&record.key));
            }
            self.forget_answered(&record.key).await;
            return Err(error);
        }
    }

    /// The answer counts even if the record stays: sending it again brings the same answer.
    async fn forget_answered(&self, key: &str) {
        if let Err(error) = self.forget(key).await {
            self.log.log(LogLevel::Warn, LOG_TARGET, format!("{key} is answered but stays kept: {error}"));
        }
    }

    pub(crate) async fn forget(&self, key: &str) -> Result<(), ClientError> {
        let key = key.to_owned();
        self.in_folder(move |folder| folder.forget(&key)).await
    }

    pub(crate) async fn in_folder<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ClientError> {
        let folder = Arc::clone(&self.folder);
        match blocking(move || work(&folder)).await {
            Ok(Ok(done)) => Ok(done),
            // The kind alone: the error itself may quote a path.
            Ok(Err(error)) => Err(ClientError::outbox(&error.kind().to_string())),
            Err(Stalled) => Err(ClientError::outbox("the disk gave no answer")),
        }
    }
}
