//! The words of pushes. Nothing about a person: a lock screen is read by anybody.

use super::policy::PushPolicy;
use serde::{Deserialize, Serialize};

/// Which text.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TextKey {
    /// The question.
    AgentReady,
    /// It was answered on another device.
    AgentReadyAnswered,
    /// The call is near.
    CallbackUpcoming,
    /// It is not as near as was said.
    CallbackDelayed,
    /// A promised time is near.
    CallbackReminder,
    /// The contact centre chose another time.
    CallbackRescheduled,
    /// The contact centre took it back.
    CallbackCancelled,
    /// The call did not reach the person, and there will be another.
    CallbackMissed,
    /// The call did not reach the person, and there will be no other.
    CallbackUnreached,
}

impl TextKey {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::AgentReady,
        Self::AgentReadyAnswered,
        Self::CallbackUpcoming,
        Self::CallbackDelayed,
        Self::CallbackReminder,
        Self::CallbackRescheduled,
        Self::CallbackCancelled,
        Self::CallbackMissed,
        Self::CallbackUnreached,
    ];

    /// The key of its title and of its body in an app's resources.
    pub fn resource_keys(self) -> (&'static str, &'static str) {
        match self {
            Self::AgentReady => ("ringback_agent_ready_title", "ringback_agent_ready_body"),
            Self::AgentReadyAnswered => {
                ("ringback_agent_ready_answered_title", "ringback_agent_ready_answered_body")
            }
            Self::CallbackUpcoming => ("ringback_callback_upcoming_title", "ringback_callback_upcoming_body"),
            Self::CallbackDelayed => ("ringback_callback_delayed_title", "ringback_callback_delayed_body"),
            Self::CallbackReminder => ("ringback_callback_reminder_title", "ringback_callback_reminder_body"),
            Self::CallbackRescheduled => {
                ("ringback_callback_rescheduled_title", "ringback_callback_rescheduled_body")
            }
            Self::CallbackCancelled => {
                ("ringback_callback_cancelled_title", "ringback_callback_cancelled_body")
            }
            Self::CallbackMissed => ("ringback_callback_missed_title", "ringback_callback_missed_body"),
            Self::CallbackUnreached => {
                ("ringback_callback_unreached_title", "ringback_callback_unreached_body")
            }
        }
    }
}

/// A title and a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// First line, 1 to 80 characters.
    pub title: String,
    /// The rest, 1 to 240 characters.
    pub body: String,
}

impl Text {
    /// Whether it is neither empty nor longer than a notification shows.
    pub fn fits(&self) -> bool {
        (1..=80).contains(&self.title.chars().count()) && (1..=240).contains(&self.body.chars().count())
    }
}

/// The text for a device with this locale: the service's own in its language and region, in its language, ours in its
/// language, and the same in English.
pub fn text(policy: &PushPolicy, key: TextKey, locale: Option<&str>) -> Text {
    let tag = locale.unwrap_or("en").replace('_', "-").to_ascii_lowercase();
    let language = tag.split('-').next().unwrap_or_default();
    let of_service = |tag: &str| policy.texts.get(tag).and_then(|texts| texts.get(&key)).cloned();
    let of_ours = |(title, body): (&str, &str)| Text { title: title.to_owned(), body: body.to_owned() };
    of_service(&tag)
        .or_else(|| of_service(language))
        .or_else(|| ours(language, key).map(of_ours))
        .or_else(|| of_service("en"))
        .unwrap_or_else(|| of_ours(english(key)))
}

fn ours(language: &str, key: TextKey) -> Option<(&'static str, &'static str)> {
    match language {
        "de" => Some(german(key)),
        "fr" => Some(french(key)),
        "es" => Some(spanish(key)),
        _ => None,
    }
}

fn english(key: TextKey) -> (&'static str, &'static str) {
    match key {
        TextKey::AgentReady => ("Your agent is ready", "Tap to say whether you are, too."),
        TextKey::AgentReadyAnswered => ("Answered", "You answered on another device."),
        TextKey::CallbackUpcoming => {
            ("Your call is coming up", "You will be called soon. Keep your phone near.")
        }
        TextKey::CallbackDelayed => ("It takes a little longer", "You keep your place in line."),
        TextKey::CallbackReminder => ("Your call is near", "Tap to see when, or to choose another time."),
        TextKey::CallbackRescheduled => ("Your call has a new time", "Tap to see when you will be called."),
        TextKey::CallbackCancelled => ("Your call was cancelled", "Tap to see why, or to ask again."),
        TextKey::CallbackMissed => ("We tried to call you", "We will try again. Tap to choose when."),
        TextKey::CallbackUnreached => ("We could not reach you", "Tap to ask for another call."),
    }
}

fn german(key: TextKey) -> (&'static str, &'static str) {
    match key {
        TextKey::AgentReady => ("Jemand ist jetzt für Sie da", "Tippen Sie, wenn Sie auch bereit sind."),
        TextKey::AgentReadyAnswered => ("Beantwortet", "Sie haben auf einem anderen Gerät geantwortet."),
        TextKey::CallbackUpcoming => ("Ihr Anruf kommt bald", "Halten Sie Ihr Telefon bereit."),
        TextKey::CallbackDelayed => ("Es dauert etwas länger", "Sie behalten Ihren Platz in der Reihe."),
        TextKey::CallbackReminder => {
            ("Bald werden Sie angerufen", "Tippen Sie, um die Zeit zu sehen oder zu ändern.")
        }
        TextKey::CallbackRescheduled => ("Ihr Anruf hat eine neue Zeit", "Tippen Sie, um sie zu sehen."),
        TextKey::CallbackCancelled => {
            ("Ihr Anruf wurde abgesagt", "Tippen Sie für den Grund oder für eine neue Anfrage.")
        }
        TextKey::CallbackMissed => ("Wir haben Sie nicht erreicht", "Wir versuchen es noch einmal."),
        TextKey::CallbackUnreached => {
            ("Wir konnten Sie nicht erreichen", "Tippen Sie, um einen neuen Anruf zu wünschen.")
        }
    }
}

fn french(key: TextKey) -> (&'static str, &'static str) {
    match key {
        TextKey::AgentReady => ("Votre conseiller est prêt", "Touchez pour dire si vous l’êtes aussi."),
        TextKey::AgentReadyAnswered => ("Réponse reçue", "Vous avez répondu sur un autre appareil."),
        TextKey::CallbackUpcoming => ("Votre appel approche", "Gardez votre téléphone à portée de main."),
        TextKey::CallbackDelayed => ("C’est un peu plus long", "Vous gardez votre place dans la file."),
        TextKey::CallbackReminder => {
            ("Bientôt votre appel", "Touchez pour voir l’heure ou en choisir une autre.")
        }
        TextKey::CallbackRescheduled => {
            ("Votre appel a changé d’heure", "Touchez pour voir la nouvelle heure.")
        }
        TextKey::CallbackCancelled => {
            ("Votre appel est annulé", "Touchez pour savoir pourquoi ou redemander un appel.")
        }
        TextKey::CallbackMissed => ("Nous avons essayé de vous appeler", "Nous essaierons encore."),
        TextKey::CallbackUnreached => {
            ("Nous n’avons pas pu vous joindre", "Touchez pour demander un autre appel.")
        }
    }
}

fn spanish(key: TextKey) -> (&'static str, &'static str) {
    match key {
        TextKey::AgentReady => ("Su agente está listo", "Toque para decir si usted también lo está."),
        TextKey::AgentReadyAnswered => ("Respondido", "Usted respondió en otro dispositivo."),
        TextKey::CallbackUpcoming => ("Su llamada se acerca", "Tenga el teléfono a mano."),
        TextKey::CallbackDelayed => ("Tardará un poco más", "Usted conserva su lugar en la fila."),
        TextKey::CallbackReminder => ("Pronto le llamaremos", "Toque para ver la hora o elegir otra."),
        TextKey::CallbackRescheduled => ("Su llamada tiene otra hora", "Toque para verla."),
        TextKey::CallbackCancelled => ("Su llamada fue cancelada", "Toque para ver por qué o pedir otra."),
        TextKey::CallbackMissed => ("Hemos intentado llamarle", "Lo intentaremos de nuevo."),
        TextKey::CallbackUnreached => ("No pudimos comunicarnos con usted", "Toque para pedir otra llamada."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_nearest_language_wins() {
        let own = |title: &str| {
            BTreeMap::from([(TextKey::AgentReady, Text { title: title.to_owned(), body: "b".to_owned() })])
        };
        let policy = PushPolicy {
            texts: BTreeMap::from([
                ("de-at".to_owned(), own("Servus")),
                ("nl".to_owned(), own("Hallo")),
                ("en".to_owned(), own("Hello")),
            ]),
            ..PushPolicy::default()
        };
        let title = |locale| text(&policy, TextKey::AgentReady, locale).title;
        assert_eq!(title(Some("de-AT")), "Servus");
        assert_eq!(title(Some("de_AT")), "Servus", "as Android writes it");
        assert_eq!(title(Some("de-CH")), german(TextKey::AgentReady).0);
        assert_eq!(title(Some("nl-BE")), "Hallo");
        assert_eq!(title(Some("sv")), "Hello");
        assert_eq!(title(None), "Hello");
        assert_eq!(
            text(&policy, TextKey::CallbackMissed, Some("sv")).title,
            english(TextKey::CallbackMissed).0
        );
    }

    #[test]
    fn every_text_fits_in_every_language() {
        for key in TextKey::ALL {
            for locale in ["en", "de", "fr", "es"] {
                assert!(text(&PushPolicy::default(), key, Some(locale)).fits(), "{locale} {key:?}");
            }
            let (title, body) = key.resource_keys();
            assert!(title.ends_with("_title") && body.ends_with("_body"));
        }
    }
}
