//! Requests that a service does not take: because of the number, the moment, the time that was chosen, or how many there
//! are already.

use crate::asker::Asker;
use crate::support::Failure;
use jiff::ToSpan;
use jiff::tz::Offset;
use reqwest::{Method, RequestBuilder};
use ringback_core::protocol::{Callback, Fold, ProblemCode as Code};
use ringback_e2e::number;
use serde_json::{Value, json};

/// One installation that asks services for calls.
struct App<'a> {
    asker: &'a Asker,
    token: String,
}

impl App<'_> {
    fn request(&self, service: &str, index: usize, more: &Value) -> RequestBuilder {
        let mut body = json!({ "service": service, "number": number(index) });
        for (field, value) in more.as_object().into_iter().flatten() {
            body[field] = value.clone();
        }
        self.asker.app(&self.token, Method::POST, "/v1/callbacks").json(&body)
    }

    async fn taken(&self, service: &str, index: usize, more: &Value) -> Result<Callback, Failure> {
        Ok(serde_json::from_str(&self.asker.taken(self.request(service, index, more)).await?)?)
    }

    async fn cancel(&self, callback: &Callback) -> Result<(), Failure> {
        let path = format!("/v1/callbacks/{}/cancel", callback.id);
        self.asker.taken(self.asker.app(&self.token, Method::POST, &path)).await.map(drop)
    }
}

async fn app(asker: &Asker) -> Result<App<'_>, Failure> {
    Ok(App { asker, token: asker.installation().await? })
}

/// A service of this name with these settings, in a line where nobody works.
async fn service(asker: &Asker, name: &str, settings: Value) -> Result<(), Failure> {
    asker.taken(asker.staff(Method::POST, "queues").json(&json!({ "name": name }))).await?;
    let mut service = settings;
    service["name"] = name.into();
    service["queue"] = name.into();
    asker.taken(asker.staff(Method::POST, "services").json(&service)).await.map(drop)
}

pub(crate) async fn numbers(asker: &Asker) -> Result<(), Failure> {
    for (name, rules) in [
        ("abroad", json!({ "countries": ["FR"] })),
        ("picky", json!({ "countries": ["DE"], "blocked": [number(40)] })),
    ] {
        let mut rules = rules;
        rules["name"] = name.into();
        asker.taken(asker.staff(Method::PUT, &format!("rule-sets/{name}")).json(&rules)).await?;
        service(asker, name, json!({ "rule_sets": [name] })).await?;
    }
    let app = app(asker).await?;
    let premium = json!({ "number": "+499001234567" });
    asker.refused_field(Code::NumberPremium, "number", app.request("picky", 40, &premium)).await?;
    asker.refused_field(Code::NumberBlocked, "number", app.request("picky", 40, &json!({}))).await?;
    let abroad = app.request("abroad", 41, &json!({}));
    asker.refused_field(Code::NumberCountryNotAllowed, "number", abroad).await?;
    // Another number, later, passes the same rules as the first.
    let callback = app.taken("picky", 41, &json!({})).await?;
    let path = format!("/v1/callbacks/{}/number", callback.id);
    let change = asker.app(&app.token, Method::POST, &path).json(&json!({ "number": number(40) }));
    asker.refused_field(Code::NumberBlocked, "number", change).await?;
    let in_use = asker.staff(Method::DELETE, "rule-sets/picky");
    asker.refused_field(Code::InUse, "name", in_use).await?;
    Ok(())
}

pub(crate) async fn limits(asker: &Asker) -> Result<(), Failure> {
    let limits = json!({ "limits": { "number": [{ "count": 1, "window_s": 600 }, { "count": 5, "window_s": 3600 }] } });
    service(asker, "sparing", limits).await?;
    service(asker, "small", json!({ "limits": { "open_callbacks": 1 } })).await?;
    let app = app(asker).await?;
    let first = app.taken("sparing", 42, &json!({})).await?;
    app.cancel(&first).await?;
    let problem = asker.refused(Code::LimitReached, app.request("sparing", 42, &json!({}))).await?;
    let limit = problem.limit.ok_or("it says which limit")?;
    assert_eq!((limit.limit.as_str(), limit.count, limit.window_s), ("number", 1, 600));
    assert!(matches!(problem.retry_after_s, Some(1..=600)), "{:?}", problem.retry_after_s);
    app.taken("sparing", 43, &json!({})).await?;

    let only = app.taken("small", 42, &json!({})).await?;
    asker.refused(Code::CallbacksFull, app.request("small", 43, &json!({}))).await?;
    app.cancel(&only).await?;
    app.taken("small", 43, &json!({})).await?;
    Ok(())
}

pub(crate) async fn what_is_offered(asker: &Asker) -> Result<(), Failure> {
    let now = jiff::Timestamp::now();
    let opens = Offset::UTC.to_datetime(now).date().checked_add(3.days())?;
    let day = format!("{:?}", opens.weekday()).to_lowercase();
    let hours =
        json!({ "name": "rare", "zone": "UTC", "hours": [{ "day": day, "from": "09:00", "to": "10:00" }] });
    asker.taken(asker.staff(Method::PUT, "calendars/rare").json(&hours)).await?;
    service(asker, "rare", json!({ "calendar": "rare" })).await?;
    let app = app(asker).await?;
    let problem = asker.refused(Code::ServiceClosed, app.request("rare", 44, &json!({}))).await?;
    let wait_s = i64::from(problem.retry_after_s.ok_or("it says when it opens")?);
    let opens_in_s = Offset::UTC.to_timestamp(opens.at(9, 0, 0, 0))?.duration_since(now).as_secs();
    assert!((opens_in_s - wait_s).abs() <= 5, "{wait_s}");
    asker.refused_field(Code::InUse, "name", asker.staff(Method::DELETE, "calendars/rare")).await?;

    service(asker, "later", json!({ "immediate": false })).await?;
    let time = json!({ "scheduled_for": { "local": "2099-01-01T10:00", "zone": "UTC" } });
    asker.refused(Code::ImmediateNotOffered, app.request("later", 44, &json!({}))).await?;
    asker.refused(Code::ScheduledNotOffered, app.request("later", 44, &time)).await?;
    let slots = asker.app(&app.token, Method::GET, "/v1/services/later/availability?zone=UTC");
    asker.refused(Code::ScheduledNotOffered, slots).await?;

    service(asker, "resting", json!({})).await?;
    let pause = |pause: Value| asker.staff(Method::PUT, "services/resting/pause").json(&pause);
    asker.taken(pause(json!({ "paused": true }))).await?;
    let problem = asker.refused(Code::ServicePaused, app.request("resting", 44, &json!({}))).await?;
    assert_eq!(problem.retry_after_s, None, "nobody knows until when");
    asker.taken(pause(json!({ "paused": true, "until": now.checked_add(1.hour())? }))).await?;
    let problem = asker.refused(Code::ServicePaused, app.request("resting", 44, &json!({}))).await?;
    assert!(matches!(problem.retry_after_s, Some(3500..=3600)), "{:?}", problem.retry_after_s);
    asker.taken(pause(json!({ "paused": false }))).await?;
    app.taken("resting", 44, &json!({})).await?;
    Ok(())
}

pub(crate) async fn chosen_times(asker: &Asker) -> Result<(), Failure> {
    let today = Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
    let (day, closed) = (today.checked_add(2.days())?, today.checked_add(3.days())?);
    let seats = [today, day]
        .map(|date| json!({ "date": date, "seats": [{ "from": "10:00", "to": "13:00", "capacity": 1 }] }));
    let rule = json!({ "name": "tight", "zone": "UTC", "slot_minutes": 60, "exceptions": seats });
    asker.taken(asker.staff(Method::PUT, "capacity-rules/tight").json(&rule)).await?;
    service(asker, "tight", json!({ "capacity": "tight" })).await?;
    asker.refused_field(Code::InUse, "name", asker.staff(Method::DELETE, "capacity-rules/tight")).await?;
    let app = app(asker).await?;
    let at = |local: &str, zone: &str| json!({ "scheduled_for": { "local": local, "zone": zone } });
    let noon = at(&format!("{day}T11:00"), "UTC");
    let kept = app.taken("tight", 45, &noon).await?;

    let full = app.request("tight", 46, &noon);
    let problem = asker.refused_field(Code::SlotFull, "scheduled_for", full).await?;
    let chosen = kept.scheduled.clone().ok_or("it is promised")?.at;
    assert!(problem.slots.iter().any(|slot| slot.start < chosen), "before it: {:?}", problem.slots);
    assert!(problem.slots.iter().any(|slot| slot.start > chosen), "after it: {:?}", problem.slots);
    assert!(problem.slots.iter().all(|slot| slot.capacity_left > 0), "{:?}", problem.slots);
    let problem = asker
        .refused_field(
            Code::SlotClosed,
            "scheduled_for",
            app.request("tight", 46, &at(&format!("{closed}T11:00"), "UTC")),
        )
        .await?;
    assert!(!problem.slots.is_empty(), "there are others");
    // A seat that was given back is there for the next.
    app.cancel(&kept).await?;
    app.taken("tight", 46, &noon).await?;

    for (code, local, zone) in [
        (Code::TimePast, "2020-01-01T10:00", "UTC"),
        (Code::TimeBeyondHorizon, "2099-01-01T10:00", "UTC"),
        (Code::ZoneUnknown, "2027-01-01T10:00", "CET"),
        (Code::ZoneUnknown, "2027-01-01T10:00", "Mars/Olympus"),
    ] {
        asker.refused(code, app.request("tight", 47, &at(local, zone))).await?;
    }
    let gap = app.request("tight", 47, &at("2027-03-28T02:30", "Europe/Berlin"));
    let gap = asker.refused(Code::TimeInGap, gap).await?;
    let shown: Vec<&str> = gap.wall_times.iter().map(|time| time.local.as_str()).collect();
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(shown[0] < "2027-03-28T02:00:00" && shown[1] >= "2027-03-28T03:00:00", "{shown:?}");
    let fold = app.request("tight", 47, &at("2027-10-31T02:30", "Europe/Berlin"));
    let fold = asker.refused(Code::TimeAmbiguous, fold).await?;
    let which: Vec<_> = fold.wall_times.iter().map(|time| time.fold).collect();
    assert_eq!(which, [Some(Fold::Earlier), Some(Fold::Later)]);
    Ok(())
}

pub(crate) async fn skills_and_priority(asker: &Asker) -> Result<(), Failure> {
    asker.taken(asker.staff(Method::POST, "skills").json(&json!({ "name": "klingon" }))).await?;
    service(asker, "strict", json!({ "unstaffed": "refuse", "app_priority_max": 5 })).await?;
    let app = app(asker).await?;
    let klingon = app.request("strict", 48, &json!({ "skills": { "klingon": 3 } }));
    asker.refused_field(Code::SkillUnstaffed, "skills", klingon).await?;
    let agent = json!({ "name": "worf", "queues": ["strict"], "skills": { "klingon": 4 } });
    asker.taken(asker.staff(Method::POST, "agents").json(&agent)).await?;
    let urgent = |priority: u32| json!({ "priority": priority, "skills": { "klingon": 4 } });
    let problem = asker
        .refused_field(Code::PriorityNotAllowed, "priority", app.request("strict", 48, &urgent(6)))
        .await?;
    assert!(problem.detail.contains("at most 5"), "{}", problem.detail);
    let more = app.request("strict", 48, &json!({ "skills": { "klingon": 5 } }));
    asker.refused_field(Code::SkillUnstaffed, "skills", more).await?;
    app.taken("strict", 48, &urgent(5)).await?;
    let unheard = app.request("strict", 49, &json!({ "skills": { "no-such-skill": 1 } }));
    asker.refused(Code::ReferenceUnknown, unheard).await?;
    Ok(())
}
