//! The like transaction: what one request sends to PostgreSQL, recorded from the server in this very run, as a script
//! for `pgbench`.

use super::recorder::Sent;
use crate::Failure;
use postgres::types::Type;
use postgres::{Client, Config, NoTls};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr as _;

/// The beginning of the ids of installations that the script speaks for, followed by [`FIRST`] and more. As long as a real
/// one.
const INSTALLATION: &str = "in_0199a0b1c2d3e";
/// Nineteen digits, so that numbers up from here keep their length.
const FIRST: i64 = 1_000_000_000_000_000_000;
/// Longer texts are in no index, so they need not differ.
const LONGEST_KEY: usize = 72;
/// Higher numbers are instants.
const HIGHEST_SHARD: i64 = 1000;

/// A value of the recording.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A statement with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    sql: String,
    values: Vec<Value>,
}

/// A script with the values that stay the same.
#[derive(Debug, Default, PartialEq, Eq)]
struct Script {
    text: String,
    defined: Vec<(String, String)>,
}

/// The program, what it runs, and where.
pub(super) struct Pgbench {
    program: PathBuf,
    script: Script,
    config: Config,
    folder: tempfile::TempDir,
    clients: usize,
    /// How many transactions each client has made.
    made: usize,
}

impl Pgbench {
    /// Makes a script of the recordings, all of the same transaction for different customers, and room for so many more of
    /// it. Waits for the database, which a thread of an async runtime may not.
    pub(super) fn new(
        program: &Path,
        url: &str,
        recordings: &[Vec<Sent>],
        clients: usize,
        each: usize,
    ) -> Result<Self, Failure> {
        let config = Config::from_str(url)?;
        let mut client = config.connect(NoTls)?;
        let transactions =
            recordings.iter().map(|sent| understand(&mut client, sent)).collect::<Result<Vec<_>, _>>()?;
        let script = script(&transactions, clients)?;
        // Each asks once, as in the measurement beside it.
        client.execute(
            "insert into installations (id, app_key_id, secret_hash, token_hash, event_seq, created_at) \
             select i.id, k.id, convert_to(i.id, 'UTF8'), convert_to(i.id, 'UTF8'), 0, k.created_at from api_keys k, \
             (select $1::text || ($2::bigint + n)::text as id from generate_series(0, $3::bigint - 1) n) i \
             where k.name = 'bench'",
            &[&INSTALLATION, &FIRST, &i64::try_from(clients * each)?],
        )?;
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("create.sql"), &script.text)?;
        Ok(Self { program: program.to_owned(), script, config, folder, clients, made: 0 })
    }

    /// Lets each client make so many; transactions in a second, as the program reckons it.
    pub(super) fn run(&mut self, each: usize) -> Result<f64, Failure> {
        let mut command = Command::new(&self.program);
        command.args(["--no-vacuum", "--protocol=prepared", "--jobs=2"]);
        command.arg(format!("--client={}", self.clients)).arg(format!("--transactions={each}"));
        command.arg("--define").arg(format!("made={}", self.made));
        for (name, value) in &self.script.defined {
            command.arg("--define").arg(format!("{name}={value}"));
        }
        command.arg("--file").arg(self.folder.path().join("create.sql"));
        // Not as arguments, which everybody on the machine can see.
        if let [postgres::config::Host::Tcp(host)] = self.config.get_hosts() {
            command.env("PGHOST", host);
        }
        if let [port] = self.config.get_ports() {
            command.env("PGPORT", port.to_string());
        }
        let text = |name: &str, value: Option<&str>| Some((name.to_owned(), value?.to_owned()));
        command.envs(text("PGUSER", self.config.get_user()));
        command.envs(text("PGDATABASE", self.config.get_dbname()));
        let password = self.config.get_password().map(String::from_utf8_lossy);
        command.envs(text("PGPASSWORD", password.as_deref()));
        let output = command.output()?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let wanted = format!("number of transactions actually processed: {0}/{0}", self.clients * each);
        if !output.status.success() || !printed.contains(&wanted) {
            return Err(format!("pgbench: {printed}\n{}", String::from_utf8_lossy(&output.stderr)).into());
        }
        self.made += each;
        rate(&printed).ok_or_else(|| format!("pgbench said no rate: {printed}").into())
    }

    /// How many statements the transaction has.
    pub(super) fn statements(&self) -> usize {
        self.script.text.lines().filter(|line| line.ends_with(';')).count()
    }
}

/// `tps = 1234.567890 (without initial connection time)`
fn rate(printed: &str) -> Option<f64> {
    let line = printed.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split(' ').next()?.parse().ok()
}

/// Reads the values as what the statement takes them for.
fn understand(client: &mut Client, transaction: &[Sent]) -> Result<Vec<Statement>, Failure> {
    transaction
        .iter()
        .map(|sent| {
            let prepared = client.prepare(&sent.sql)?;
            let values = prepared.params().iter().zip(&sent.values);
            let values = values.map(|(wanted, bytes)| value(wanted, bytes.as_deref()));
            Ok(Statement { sql: sent.sql.clone(), values: values.collect::<Result<_, Failure>>()? })
        })
        .collect()
}

fn value(wanted: &Type, bytes: Option<&[u8]>) -> Result<Value, Failure> {
    let Some(bytes) = bytes else { return Ok(Value::Null) };
    Ok(match *wanted {
        Type::INT8 => Value::Integer(i64::from_be_bytes(bytes.try_into()?)),
        Type::TEXT => Value::Text(std::str::from_utf8(bytes)?.to_owned()),
        Type::BYTEA => Value::Bytes(bytes.to_vec()),
        _ => return Err(format!("a parameter of type {wanted}").into()),
    })
}

/// What was the same in all recordings stays, what was different differs from transaction to transaction, in as many
/// bytes.
fn script(transactions: &[Vec<Statement>], clients: usize) -> Result<Script, Failure> {
    let [.., last] = transactions else { return Err("nothing was recorded".into()) };
    let texts = |statements: &[Statement]| -> Vec<String> {
        statements.iter().map(|statement| statement.sql.clone()).collect()
    };
    if transactions.len() < 2 || transactions.iter().any(|other| texts(other) != texts(last)) {
        return Err("the recorded transactions are not alike".into());
    }
    let mut writer = Writer::default();
    let mut statements = String::new();
    for (place, statement) in last.iter().enumerate() {
        let mut words = Vec::with_capacity(statement.values.len());
        for (index, value) in statement.values.iter().enumerate() {
            let seen: BTreeSet<String> = transactions
                .iter()
                .map(|other| other.get(place).and_then(|other| other.values.get(index)))
                .map(|value| format!("{value:?}"))
                .collect();
            words.push(writer.word(value, seen.len(), transactions.len()));
        }
        let _ = writeln!(statements, "{};", substitute(&statement.sql, &words));
    }
    let mut text = format!(
        "\\set made :made + 1\n\\set n (:made - 1) * {clients} + :client_id\n\\set id {FIRST} + :n\n"
    );
    text.push_str(&writer.set);
    text.push_str(&statements);
    Ok(Script { text, defined: writer.defined })
}

/// Replaces `$n`.
fn substitute(sql: &str, words: &[String]) -> String {
    let mut text = sql.to_owned();
    // The longer names first: `$1` is the beginning of `$10`.
    for (index, word) in words.iter().enumerate().rev() {
        text = text.replace(&format!("${}", index + 1), word);
    }
    text
}

#[derive(Default)]
struct Writer {
    set: String,
    defined: Vec<(String, String)>,
    /// By value, and by whether it was different in that place.
    words: HashMap<(Value, bool), String>,
}

impl Writer {
    /// How a value is written; the same value always the same way. `different` says how many values there were in its
    /// place, in so many recordings.
    fn word(&mut self, value: &Value, different: usize, recordings: usize) -> String {
        let key = (value.clone(), different > 1);
        if let Some(word) = self.words.get(&key) {
            return word.clone();
        }
        let always = different == recordings;
        let name = format!("v{}", self.words.len());
        let word = match value {
            Value::Null => "null".to_owned(),
            Value::Integer(shard) if different > 1 && *shard < HIGHEST_SHARD => ":client_id".to_owned(),
            Value::Integer(instant) if always => {
                let _ = writeln!(self.set, "\\set {name} {instant} + :n");
                format!(":{name}")
            }
            Value::Text(id) if always && id.starts_with("in_") => format!("('{INSTALLATION}' || :id::text)"),
            // Ids rise with time, hashes and keys are anywhere.
            Value::Text(id) if always && id.get(2..3) == Some("_") && id.len() == 35 => {
                format!("('{}' || :id::text)", id.get(..id.len() - 19).unwrap_or_default())
            }
            Value::Text(key) if always && (20..=LONGEST_KEY).contains(&key.len()) => {
                let _ = writeln!(self.set, "\\set {name} random({FIRST}, {})", FIRST * 9);
                format!("(:{name}::text || '{}')", key.get(19..).unwrap_or_default())
            }
            Value::Integer(integer) => self.define(name, integer.to_string()),
            Value::Text(text) => self.define(name, text.clone()),
            Value::Bytes(bytes) => {
                let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
                self.define(name, format!("\\x{hex}"))
            }
        };
        self.words.insert(key, word.clone());
        word
    }

    fn define(&mut self, name: String, value: String) -> String {
        let word = format!(":{name}");
        self.defined.push((name, value));
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(sql: &str, values: Vec<Value>) -> Statement {
        Statement { sql: sql.to_owned(), values }
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    /// A transaction of one customer, whose things all end in the same digit.
    fn transaction(digit: i64) -> Vec<Statement> {
        let id = format!("cb_0123456789abc0123456789012345{digit:03}");
        let hash = format!("hash-of-a-number-that-differs-{digit}");
        vec![
            statement("begin", vec![]),
            statement(
                "insert into t values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                vec![
                    text(&id),
                    text(&hash),
                    text("queued"),
                    Value::Integer(1_795_707_324_468_000 + digit),
                    Value::Integer(digit),
                    Value::Integer(201),
                    Value::Null,
                    Value::Bytes(vec![1, 0xab]),
                    text(&format!("{}{digit}", "x".repeat(100))),
                    text(&id),
                ],
            ),
        ]
    }

    #[test]
    fn what_differed_differs_and_what_stayed_stays() {
        let script = script(&[transaction(1), transaction(2)], 16).unwrap();
        let lines: Vec<&str> = script.text.lines().collect();
        assert_eq!(lines[..2], ["\\set made :made + 1", "\\set n (:made - 1) * 16 + :client_id"]);
        assert!(lines.contains(&"\\set v1 random(1000000000000000000, 9000000000000000000)"), "{lines:?}");
        assert!(lines.contains(&"\\set v3 1795707324468002 + :n"), "{lines:?}");
        assert_eq!(
            lines[lines.len() - 2..],
            [
                "begin;",
                "insert into t values (('cb_0123456789abc' || :id::text), (:v1::text || 'at-differs-2'), :v2, \
                 :v3, :client_id, :v5, null, :v7, :v8, ('cb_0123456789abc' || :id::text));"
            ]
        );
        let defined = |name: &str, value: &str| script.defined.contains(&(name.to_owned(), value.to_owned()));
        assert!(defined("v2", "queued") && defined("v5", "201") && defined("v7", "\\x01ab"));
        assert!(defined("v8", &format!("{}2", "x".repeat(100))), "no key, so it stays as it was");
    }

    #[test]
    fn what_is_not_alike_is_no_script() {
        let other = vec![statement("begin", vec![])];
        assert!(script(&[transaction(1), other], 16).is_err());
        assert!(script(&[transaction(1)], 16).is_err());
        assert!(script(&[], 16).is_err());
    }

    #[test]
    fn the_rate_is_read_from_what_the_program_prints() {
        let printed = "latency average = 21.7 ms\ntps = 736.402 (without initial connection time)\n";
        assert_eq!(rate(printed), Some(736.402));
        assert_eq!(rate("tps is what it says elsewhere"), None);
    }
}
