//! Reading the configuration again.

use super::*;

/// What a request is answered when this becomes of it; nothing when nobody reads any more.
async fn answer(outcome: Option<Result<Vec<String>, String>>) -> (u16, Value) {
    let (traces, _worker) = Traces::new(Obedient, (), crate::identity::ignore::Ignore::default());
    let servers = Servers::default();
    let (reloads, mut asked) = Reloads::new();
    let router = router(traces.clone(), reloads, servers.stopping(), STREAMS_MAX);
    let api = Api { traces, router, servers };
    tokio::spawn(async move {
        let reply = asked.recv().await.expect("somebody asks");
        drop(outcome.map(|outcome| reply.send(outcome)));
    });
    api.json("POST", RELOAD, "").await
}

#[tokio::test]
async fn whoever_asks_is_told_what_became_of_it() {
    assert_eq!(answer(Some(Ok(vec!["a".to_owned()]))).await, (200, json!({"changed": ["a"]})));
    let (status, problem) = answer(Some(Err("a wrong value".to_owned()))).await;
    assert_eq!((status, &problem["detail"]), (422, &json!("a wrong value")));
    let (status, problem) = answer(None).await;
    let expected = json!("the exporter is ending and reads no configuration any more");
    assert_eq!((status, &problem["detail"]), (503, &expected));
}

#[tokio::test]
async fn it_is_asked_for_and_not_looked_at() {
    assert_eq!(Api::start().json("GET", RELOAD, "").await.0, 405);
}
