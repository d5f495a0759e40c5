//! The three journeys of the demo.

use crate::story::{Stopped, Story, name_of};
use ringback_core::client::PushOutcome;
use ringback_core::protocol::{
    CallInRequest, CallbackRequest, CompletedReason, ConfirmAnswer, ContextValue, EventKind, PersonName,
    PhoneNumber,
};
use ringback_doubles::Received;
use ringback_e2e::{Centre, Phone, PhoneKind};
use serde_json::{Value, json};
use std::collections::HashMap;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Numbers that are set aside for stories (Ofcom).
const NUMBER: &str = "+442079460018";
const OTHER_NUMBER: &str = "+442079460123";
const NAME: &str = "Rosalind";
const CONTEXT: &str = "order of three lamps";

/// A callback from the tap to its end, on a phone of this kind.
pub(crate) async fn callback(centre: &Centre, story: &Story, kind: PhoneKind) -> Result<(), Stopped> {
    let (who, folder, number) = match kind {
        PhoneKind::Iphone => ("iPhone", "iphone", NUMBER),
        PhoneKind::Android => ("Android", "android", OTHER_NUMBER),
    };
    let staff = centre.staff();
    let phone = story
        .step(who, "starts the app: no network yet", async {
            Phone::new(centre, kind, &centre.folder().join(folder), None)
        })
        .await?;
    story.step(who, "registers for push, and so registers its installation", phone.register_push()).await?;

    let request = CallbackRequest {
        name: Some(PersonName::from(NAME)),
        context: HashMap::from([("cart".to_owned(), ContextValue::from(CONTEXT))]),
        ..CallbackRequest::new("billing", number)
    };
    let callback =
        story.step(who, "taps \"call me\": accepted", phone.client.request_callback(request)).await?;
    story.detail(format!("{} is queued, position {}", callback.id, callback.position.unwrap_or(0)));

    story.step("ada", "is ready, and has the skills: reserved for it", staff.agent("ada", "ready")).await?;
    let push = story
        .step(
            "server",
            "writes the push with the reservation, then sends it",
            pushed(&phone, centre, &callback.id),
        )
        .await?;
    story.push(&push, &[number, number.trim_start_matches('+'), NAME, CONTEXT])?;

    let outcome =
        story.step(who, "hands the push to the SDK, which fetches the details", phone.receive(&push)).await?;
    let action_token = match outcome {
        PushOutcome::Event { action_token, .. } => action_token,
        _ => None,
    };
    let ready = phone.client.confirm(callback.id.clone(), ConfirmAnswer::Ready, action_token);
    story.step("customer", "is asked \"your agent is ready, are you?\" and says yes", ready).await?;
    story
        .step("server", "makes the call: ada dials by hand", phone.until(&callback.id, EventKind::Connecting))
        .await?;

    let desk = story.step("ada", "looks at the desk", staff.desk("ada")).await?;
    story.detail(on_desk(&desk));
    story.step("ada", "dials and marks: connected", staff.result(&callback.id, "connected")).await?;
    story.step("ada", "ends the talk: handled", staff.complete(&callback.id)).await?;
    let ended =
        story.step(who, "hears that it is over", phone.until(&callback.id, EventKind::Completed)).await?;
    story
        .step("server", "has closed the record: completed, handled", async {
            let handled = ended.callback.reason == Some(CompletedReason::Handled);
            if handled { Ok(()) } else { Err(format!("it ended {:?}", ended.callback.reason)) }
        })
        .await
}

/// Waits for the push to reach its provider; one that is refused there is where the journey stops.
async fn pushed(phone: &Phone, centre: &Centre, id: &str) -> Result<Received, Failure> {
    let push = phone.wait_for_push(centre, id).await?;
    match &push.answer {
        Some(answer) if answer.status != 200 => Err(format!(
            "{} refused it with {} {}; nobody is asked, so when the window to answer ends the callback goes back in line",
            name_of(push.provider),
            answer.status,
            answer.reason.as_deref().unwrap_or("and no reason"),
        )
        .into()),
        _ => Ok(push),
    }
}

fn on_desk(desk: &Value) -> String {
    let callback = &desk["callback"];
    format!(
        "call {} ({}), about: {}",
        callback["number"].as_str().unwrap_or("?"),
        callback["name"].as_str().unwrap_or("?"),
        callback["context"],
    )
}

/// The customer dials, and is known on arrival.
pub(crate) async fn click_to_call(centre: &Centre, story: &Story) -> Result<(), Stopped> {
    let phone = story
        .step("iPhone", "starts the app", async {
            Phone::new(centre, PhoneKind::Iphone, &centre.folder().join("iphone"), None)
        })
        .await?;
    let request = CallInRequest {
        service: "billing".to_owned(),
        caller_number: Some(PhoneNumber::from(NUMBER)),
        name: Some(PersonName::from(NAME)),
        context: HashMap::from([("cart".to_owned(), ContextValue::from(CONTEXT))]),
    };
    let ticket =
        story.step("iPhone", "asks for a number to dial", phone.client.request_call_in(request)).await?;
    story.detail(format!("{} until {}", ticket.tel_uri.expose(), ticket.expires_at));
    let call = json!({ "called_number": ticket.number, "access_code": ticket.access_code });
    let matching = centre.staff();
    let known = matching.ask(reqwest::Method::POST, "call-ins/match", Some(call.clone()));
    let known = story.step("customer", "dials and types the code: known on arrival", known).await?;
    story.detail(format!("{} about: {}", known["name"].as_str().unwrap_or("?"), known["context"]));
    story
        .step("server", "refuses the same code a second time", async {
            match matching.ask(reqwest::Method::POST, "call-ins/match", Some(call)).await {
                Err(_) => Ok(()),
                Ok(_) => Err("the code worked twice"),
            }
        })
        .await
}
