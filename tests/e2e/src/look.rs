//! Waiting for what no event tells of.

use std::time::Duration;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long a test waits for anything.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Looks again and again until it holds.
pub async fn until<F: Future<Output = Result<bool, Failure>>>(
    mut look: impl FnMut() -> F,
) -> Result<(), Failure> {
    let looking = async {
        let mut round = tokio::time::interval(Duration::from_millis(50));
        while !look().await? {
            round.tick().await;
        }
        Ok(())
    };
    tokio::time::timeout(LIMIT, looking).await?
}

/// A value of a metric, 0 when it was never counted.
pub async fn metric(url: &str, name: &str, labels: &[&str]) -> Result<f64, Failure> {
    let text = reqwest::get(format!("{url}/metrics")).await?.text().await?;
    let line = text
        .lines()
        .filter(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    Ok(line.sum())
}
