//! What is wrong with a key, and with what the contact centre asks.

use crate::asker::Asker;
use crate::support::{Failure, World};
use reqwest::Method;
use ringback_core::protocol::{CallTicket, EventKind, ProblemCode as Code};
use ringback_e2e::{Phone, PhoneKind, context_values, number};
use serde_json::{Value, json};

async fn staff_key(asker: &Asker, role: &str, agent: Option<&str>) -> Result<(String, String), Failure> {
    let name = asker.fresh(role);
    let mut body = json!({ "name": name, "role": role });
    if let Some(agent) = agent {
        body["agent"] = agent.into();
    }
    let made = asker.taken(asker.staff(Method::POST, "keys").json(&body)).await?;
    let key = serde_json::from_str::<Value>(&made)?["key"].as_str().unwrap_or_default().to_owned();
    Ok((name, key))
}

pub(crate) async fn keys(world: &World, asker: &Asker) -> Result<(), Failure> {
    let routes = [
        (Method::GET, "/v1/callbacks"),
        (Method::GET, "/v1/events"),
        (Method::GET, "/v1/staff/agents"),
        (Method::POST, "/v1/installations"),
    ];
    for (method, path) in routes {
        asker.refused(Code::CredentialsMissing, asker.stranger(method, path)).await?;
    }

    let token = asker.installation().await?;
    let (name, key) = staff_key(asker, "supervisor", None).await?;
    let callbacks = |key: &str| asker.stranger(Method::GET, "/v1/callbacks").bearer_auth(key);
    let agents = |key: &str| asker.stranger(Method::GET, "/v1/staff/agents").bearer_auth(key);
    let one_letter_off = |key: &str| {
        let other = if key.ends_with('A') { 'B' } else { 'A' };
        format!("{}{other}", &key[..key.len() - 1])
    };
    for wrong in ["", "nonsense", &one_letter_off(&token), &key, &world.centre.app_key] {
        asker.refused(Code::CredentialsInvalid, callbacks(wrong)).await?;
    }
    for wrong in ["nonsense", &one_letter_off(&key), &token] {
        asker.refused(Code::CredentialsInvalid, agents(wrong)).await?;
    }
    let basic = asker.stranger(Method::GET, "/v1/staff/agents").basic_auth("admin", Some("admin"));
    asker.refused(Code::CredentialsInvalid, basic).await?;

    // A key that was taken back opens nothing from that moment on.
    asker.taken(agents(&key)).await?;
    asker.taken(asker.staff(Method::DELETE, &format!("keys/{name}"))).await?;
    asker.refused(Code::CredentialsInvalid, agents(&key)).await?;
    let app = asker.fresh("app");
    let made = asker.taken(asker.staff(Method::POST, "app-keys").json(&json!({ "name": app }))).await?;
    let app_key = serde_json::from_str::<Value>(&made)?["key"].as_str().unwrap_or_default().to_owned();
    let register = || {
        let secret = json!({ "secret": "s".repeat(40) });
        asker.stranger(Method::POST, "/v1/installations").header("Ringback-App-Key", &app_key).json(&secret)
    };
    asker.taken(register()).await?;
    asker.taken(asker.staff(Method::DELETE, &format!("keys/{app}"))).await?;
    asker.refused(Code::CredentialsInvalid, register()).await?;
    Ok(())
}

pub(crate) async fn roles(asker: &Asker) -> Result<(), Failure> {
    let put_state = (Method::PUT, "agents/grace/state", json!({ "state": "ready" }));
    let make_queue = (Method::POST, "queues", json!({ "name": "forbidden" }));
    let make_key = (Method::POST, "keys", json!({ "name": "forbidden", "role": "administrator" }));
    let cancel = (Method::POST, "callbacks/cb_x/cancel", Value::Null);
    let look = (Method::GET, "callbacks?state=queued", Value::Null);
    let match_call = (Method::POST, "call-ins/match", json!({ "called_number": number(0) }));
    let make_app_key = (Method::POST, "app-keys", json!({ "name": "forbidden" }));
    let others_desk = (Method::GET, "agents/grace", Value::Null);
    for (role, forbidden) in [
        ("agent", vec![&put_state, &make_queue, &make_key, &cancel, &look, &match_call, &others_desk]),
        ("manager", vec![&put_state, &make_queue, &make_key, &cancel, &match_call, &make_app_key]),
        ("developer", vec![&put_state, &make_queue, &make_key, &cancel, &match_call, &others_desk]),
        ("supervisor", vec![&make_queue, &make_key, &make_app_key]),
    ] {
        let (_, key) = staff_key(asker, role, (role == "agent").then_some("ada")).await?;
        for (method, path, body) in forbidden {
            let request = asker.stranger(method.clone(), &format!("/v1/staff/{path}")).bearer_auth(&key);
            let request = if body.is_null() { request } else { request.json(body) };
            asker.refused(Code::RoleForbidden, request).await?;
        }
    }
    let (_, key) = staff_key(asker, "agent", Some("ada")).await?;
    asker.taken(asker.stranger(Method::GET, "/v1/staff/agents/ada").bearer_auth(&key)).await?;
    let without_desk = json!({ "name": "homeless", "role": "agent" });
    let request = asker.staff(Method::POST, "keys").json(&without_desk);
    asker.refused_field(Code::FieldInvalid, "agent", request).await?;
    Ok(())
}

pub(crate) async fn agents(world: &World, asker: &Asker) -> Result<(), Failure> {
    asker.refused(Code::AgentNotFound, asker.staff(Method::GET, "agents/nobody")).await?;
    let state = |agent: &str, state: &str| {
        asker.staff(Method::PUT, &format!("agents/{agent}/state")).json(&json!({ "state": state }))
    };
    asker.refused(Code::AgentNotFound, state("nobody", "ready")).await?;
    asker.refused_field(Code::FieldInvalid, "state", state("grace", "on_call")).await?;

    let service =
        json!({ "name": "straight", "queue": "support", "skills": { "english": 1 }, "ask_customer": false });
    asker.taken(asker.staff(Method::POST, "services").json(&service)).await?;
    let staff = world.centre.staff();
    let phone = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("caller"), None)?;
    let callback = phone.client.request_callback(Phone::request("straight", number(20))).await?;
    staff.agent("grace", "ready").await?;
    phone.until(&callback.id, EventKind::Connecting).await?;
    // A call is being made: nobody walks away from it, but may say what comes after it.
    asker.refused(Code::AgentBusy, state("grace", "ready")).await?;
    for chosen in ["not_ready", "offline"] {
        asker.taken(state("grace", chosen)).await?;
        let desk = staff.desk("grace").await?;
        assert_eq!((&desk["state"], &desk["then_state"]), (&json!("reserved"), &json!(chosen)));
    }
    let finish = asker.staff(Method::POST, &format!("callbacks/{}/complete", callback.id));
    asker.refused(Code::CallbackMovedOn, finish.json(&json!({}))).await?;
    staff.result(&callback.id, "connected").await?;
    assert_eq!(staff.desk("grace").await?["state"], "on_call");
    let (_, key) = staff_key(asker, "agent", Some("ada")).await?;
    let others = asker.stranger(Method::POST, &format!("/v1/staff/callbacks/{}/complete", callback.id));
    asker.refused(Code::RoleForbidden, others.bearer_auth(&key).json(&json!({}))).await?;
    staff.complete(&callback.id).await?;
    assert_eq!(staff.desk("grace").await?["state"], "offline", "as chosen during the call");
    Ok(())
}

pub(crate) async fn names_and_references(asker: &Asker) -> Result<(), Failure> {
    let post = |path: &str, body: &Value| asker.staff(Method::POST, path).json(body);
    let group = json!({ "name": "front-door", "numbers": ["+493023125009"] });
    for (path, body) in [
        ("queues", json!({ "name": "support" })),
        ("skills", json!({ "name": "english" })),
        ("agents", json!({ "name": "ada", "queues": ["support"] })),
        ("services", json!({ "name": "billing", "queue": "support" })),
        ("call-in-groups", group),
        ("app-keys", json!({ "name": "boss" })),
        ("keys", json!({ "name": "boss", "role": "manager" })),
    ] {
        asker.refused_field(Code::NameTaken, "name", post(path, &body)).await?;
    }
    for (path, field, body) in [
        ("agents", "queue", json!({ "name": "new", "queues": ["no-queue"] })),
        ("agents", "skill", json!({ "name": "new", "queues": ["support"], "skills": { "no-skill": 1 } })),
        ("services", "queue", json!({ "name": "new", "queue": "no-queue" })),
        ("services", "skill", json!({ "name": "new", "queue": "support", "skills": { "no-skill": 1 } })),
        ("services", "call_in_group", json!({ "name": "new", "queue": "support", "call_in_group": "none" })),
    ] {
        asker.refused_field(Code::ReferenceUnknown, field, post(path, &body)).await?;
    }
    asker.refused_field(Code::ReferenceUnknown, "name", asker.staff(Method::DELETE, "keys/no-key")).await?;
    let no_desk = json!({ "name": "new", "role": "agent", "agent": "nobody" });
    asker.refused(Code::AgentNotFound, post("keys", &no_desk)).await?;
    for (path, field, body) in [
        ("queues", "name", json!({ "name": "No Name" })),
        ("agents", "queues", json!({ "name": "new", "queues": [] })),
        ("services", "confirm_window_s", json!({ "name": "new", "queue": "support", "confirm_window_s": 4 })),
        (
            "services",
            "confirm_attempts",
            json!({ "name": "new", "queue": "support", "confirm_attempts": 11 }),
        ),
        (
            "services",
            "call_in_group",
            json!({ "name": "new", "queue": "support", "direction": "customer_originated" }),
        ),
        ("call-in-groups", "numbers", json!({ "name": "new", "numbers": [] })),
        (
            "call-in-groups",
            "code_digits",
            json!({ "name": "new", "numbers": ["+493023125009"], "code_digits": 3 }),
        ),
    ] {
        asker.refused_field(Code::FieldInvalid, field, post(path, &body)).await?;
    }
    let number = json!({ "name": "new", "queue": "support", "fallback_number": "030 23125000" });
    asker.refused_field(Code::NumberNotE164, "fallback_number", post("services", &number)).await?;
    let key = json!({ "name": "new", "credential": { "fcm": { "service_account": context_values()[0] } } });
    let put = asker.staff(Method::PUT, "push-credentials").json(&key);
    asker.refused_field(Code::FieldInvalid, "credential.fcm.service_account", put).await?;
    Ok(())
}

pub(crate) async fn call_ins(world: &World, asker: &Asker) -> Result<(), Failure> {
    let service = json!({ "name": "silent", "queue": "support" });
    asker.taken(asker.staff(Method::POST, "services").json(&service)).await?;
    let token = asker.installation().await?;
    let call_in =
        |service: &str| asker.app(&token, Method::POST, "/v1/call-ins").json(&json!({ "service": service }));
    asker.refused(Code::CallInNotOffered, call_in("silent")).await?;

    let ticket: CallTicket = serde_json::from_str(&asker.taken(call_in("billing")).await?)?;
    let arrive = |body: Value| asker.staff(Method::POST, "call-ins/match").json(&body);
    let typed = json!({ "called_number": ticket.number, "access_code": ticket.access_code });
    asker.taken(arrive(typed.clone())).await?;
    asker.refused(Code::CallInNotFound, arrive(typed)).await?;
    let unknown = json!({ "called_number": ticket.number, "caller_number": number(21) });
    asker.refused(Code::CallInNotFound, arrive(unknown)).await?;
    asker.refused(Code::CallInNotFound, arrive(json!({ "called_number": ticket.number }))).await?;

    // The customer would have to dial, and there is no number to give out.
    let (service, agent) = ("no-way-in", "no-way-in");
    asker.taken(asker.staff(Method::POST, "queues").json(&json!({ "name": service }))).await?;
    let setup = json!({ "name": service, "queue": service });
    asker.taken(asker.staff(Method::POST, "services").json(&setup)).await?;
    let setup = json!({ "name": agent, "queues": [service] });
    asker.taken(asker.staff(Method::POST, "agents").json(&setup)).await?;
    let phone = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("dialer"), None)?;
    let mut request = Phone::request(service, number(22));
    request.direction = Some(ringback_core::protocol::Direction::CustomerOriginated);
    let refused = phone.client.request_callback(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::CallInNotOffered.code(), "said at once, not when an agent is ready");
    Ok(())
}
