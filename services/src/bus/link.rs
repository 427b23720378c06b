//! A connection to a NATS server, and what the bus asks of it.

use super::DUPLICATE_WINDOW;
use super::cutter::Outgoing;
use super::error::BusError;
use super::settings::{BusSettings, Login, Name, Server};
use async_nats::jetstream::context::{Context, ContextBuilder, PublishAckFuture};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, DirectGetErrorKind, RawMessageErrorKind};
use async_nats::{Client, ConnectOptions, Event};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Time between two questions whether the server is there.
const PING: Duration = Duration::from_secs(5);
/// Bytes of records in a message, at most.
const MESSAGE_BYTES: usize = 512 << 10;

/// A server that answers.
#[derive(Clone, Debug)]
pub(super) struct Link {
    url: String,
    client: Client,
    context: Context,
    /// The connection broke since: what was sent may not have come.
    lost: Arc<AtomicBool>,
}

/// A stream, as it is now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    /// The first message that is there; above `last` where there is none.
    pub(super) first: u64,
    /// The last message that ever was.
    pub(super) last: u64,
}

impl Link {
    /// Connects.
    pub(super) async fn connect(server: &Server) -> Result<Self, BusError> {
        let lost = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&lost);
        let mut options = ConnectOptions::new()
            .name("wirelane")
            .connection_timeout(ANSWER)
            .ping_interval(PING)
            .event_callback(move |event| {
                if matches!(event, Event::Disconnected | Event::Closed) {
                    // ORDERING: Relaxed: a lone flag.
                    flag.store(true, Ordering::Relaxed);
                }
                async {}
            });
        options = match &server.login {
            Login::Nobody => options,
            Login::User(user, word) => {
                options.user_and_password(user.clone(), word.reveal().to_owned())
            }
            Login::Token(token) => options.token(token.reveal().to_owned()),
            Login::Nkey(seed) => options.nkey(seed.reveal().to_owned()),
        };
        if let Some(file) = &server.ca_file {
            options = options.add_root_certificates(file.clone());
        }
        if let Some((certificate, key)) = &server.certificate {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        let url = server.url.clone();
        let connected = options.connect(&url).await;
        let client = connected.map_err(|error| failed(&url, "connect", &error))?;
        let context = ContextBuilder::new().timeout(ANSWER).build(client.clone());
        Ok(Self { url, client, context, lost })
    }

    /// Fails if the connection broke since it was made.
    pub(super) fn check(&self) -> Result<(), BusError> {
        // ORDERING: Relaxed: a lone flag.
        if self.lost.load(Ordering::Relaxed) {
            return Err(failed(&self.url, "the connection", &"it broke"));
        }
        Ok(())
    }

    /// Bytes of records that a message may have.
    pub(super) fn bytes_max(&self) -> usize {
        (self.client.max_payload() / 2).clamp(1, MESSAGE_BYTES)
    }

    /// Makes the stream of an engine, if there is none.
    pub(super) async fn make(&self, settings: &BusSettings, engine: &Name) -> Result<(), BusError> {
        let name = settings.stream_of(engine);
        let config = Config {
            name: name.clone(),
            subjects: vec![format!("{}.>", settings.subject_of(engine))],
            max_age: settings.keep,
            max_bytes: match i64::try_from(settings.keep_bytes).unwrap_or(i64::MAX) {
                0 => -1,
                bytes => bytes,
            },
            num_replicas: settings.replicas.into(),
            duplicate_window: match settings.keep {
                // A server takes no window that is longer than it keeps messages.
                keep if !keep.is_zero() => keep.min(DUPLICATE_WINDOW),
                _ => DUPLICATE_WINDOW,
            },
            allow_direct: true,
            ..Config::default()
        };
        let made = self.context.get_or_create_stream(config).await;
        let stream = made.map_err(|error| self.failed(&format!("stream {name}"), &error))?;
        if !stream.cached_info().config.allow_direct {
            let remedy = "it was made without direct access: `nats stream edit --allow-direct`";
            return Err(self.failed(&format!("stream {name}"), &remedy));
        }
        Ok(())
    }

    /// Where a stream begins and ends.
    pub(super) async fn ends(&self, stream: &str) -> Result<Ends, BusError> {
        let found = self.context.get_stream(stream).await;
        let found = found.map_err(|error| self.failed(&format!("stream {stream}"), &error))?;
        let state = &found.cached_info().state;
        let first =
            if state.messages == 0 { state.last_sequence + 1 } else { state.first_sequence };
        Ok(Ends { first, last: state.last_sequence })
    }

    /// One message of a stream; `None` if it has none of that number.
    pub(super) async fn get(&self, stream: &str, seq: u64) -> Result<Option<Vec<u8>>, BusError> {
        let handle = self.context.get_stream_no_info(stream).await;
        let handle = handle.map_err(|error| self.failed(&format!("stream {stream}"), &error))?;
        match handle.direct_get(seq).await {
            Ok(message) => Ok(Some(message.payload.into())),
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(&format!("stream {stream}, message {seq}"), &error)),
        }
    }

    /// Whether a stream has a message, by its leader: a copy may be late.
    pub(super) async fn has(&self, stream: &str, seq: u64) -> Result<bool, BusError> {
        let handle = self.context.get_stream_no_info(stream).await;
        let handle = handle.map_err(|error| self.failed(&format!("stream {stream}"), &error))?;
        match handle.get_raw_message(seq).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(false),
            Err(error) => Err(self.failed(&format!("stream {stream}, message {seq}"), &error)),
        }
    }

    /// The last message of a stream, if it has any.
    pub(super) async fn last(&self, stream: &str, ends: Ends) -> Result<Option<Vec<u8>>, BusError> {
        if ends.first > ends.last {
            return Ok(None);
        }
        let at = || format!("stream {stream}, message {}", ends.last);
        let bytes = self.get(stream, ends.last).await?;
        bytes.map(Some).ok_or_else(|| self.failed(&at(), &"it is gone"))
    }

    /// Sends a message that belongs behind message `last`.
    pub(super) async fn send(
        &self,
        subject: &str,
        engine: &Name,
        message: Outgoing,
        last: u64,
    ) -> Result<PublishAckFuture, BusError> {
        let subject = format!("{subject}.{}", message.family.name());
        let mut publish =
            PublishMessage::build().payload(message.payload.into()).expected_last_sequence(last);
        if let Some(id) = message.id {
            publish = publish.message_id(format!("{engine}/{id}"));
        }
        let sent = self.context.send_publish(subject.clone(), publish).await;
        sent.map_err(|error| self.failed(&subject, &error))
    }

    /// Waits until message `seq` is stored.
    pub(super) async fn stored(&self, ack: PublishAckFuture, seq: u64) -> Result<(), BusError> {
        let ack = ack.await.map_err(|error| self.failed("publish", &error))?;
        if ack.duplicate || ack.sequence != seq {
            let why = "the server has it already, in another place";
            return Err(self.failed(&format!("publish of message {seq}"), &why));
        }
        Ok(())
    }

    /// The engines that have a stream.
    pub(super) async fn engines(&self, settings: &BusSettings) -> Result<Vec<Name>, BusError> {
        let mut engines = Vec::new();
        let prefix = format!("{}-", settings.stream);
        let mut offset = 0;
        loop {
            let asked = self.context.request("STREAM.NAMES", &Page { offset }).await;
            let names: Names = asked.map_err(|error| self.failed("the streams", &error))?;
            if let Some(error) = names.error {
                return Err(self.failed("the streams", &error.description));
            }
            let page = names.streams.unwrap_or_default();
            offset += page.len();
            let ours = page.iter().filter_map(|name| Name::parse(name.strip_prefix(&prefix)?));
            engines.extend(ours);
            if page.is_empty() || offset >= names.total {
                return Ok(engines);
            }
        }
    }

    fn failed(&self, at: &str, why: &dyn std::fmt::Display) -> BusError {
        failed(&self.url, at, why)
    }
}

/// A question for names, from one on.
#[derive(Debug, serde::Serialize)]
struct Page {
    offset: usize,
}

#[derive(Debug, serde::Deserialize)]
struct Names {
    #[serde(default)]
    total: usize,
    streams: Option<Vec<String>>,
    error: Option<Said>,
}

#[derive(Debug, serde::Deserialize)]
struct Said {
    #[serde(default)]
    description: String,
}

fn failed(url: &str, at: &str, why: &dyn std::fmt::Display) -> BusError {
    BusError::Server { url: url.to_owned(), at: at.to_owned(), why: why.to_string() }
}
