//! `syncline demo`: the main job with nothing installed, judged by its exact report.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use system_tests::program::{Scratch, binary, run, workspace};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// The report; standard output must hold one JSON object and nothing else.
async fn demo(args: &[&OsStr]) -> anyhow::Result<Value> {
    let mut all = ["demo", "--json", "--once"].map(OsStr::new).to_vec();
    all.extend(args);
    let printed = run(&all, &[]).await?;
    ensure!(printed.success, "it failed: {}", printed.stderr);
    let report: Value = serde_json::from_str(&printed.stdout)?;
    ensure!(report.is_object(), "not an object: {report}");
    Ok(report)
}

fn keys(value: &Value) -> Vec<String> {
    let mut keys: Vec<String> = value
        .as_object()
        .map(|map| map.keys().cloned().collect())
        .unwrap_or_default();
    keys.sort();
    keys
}

#[tokio::test]
async fn reports_one_json_object_of_a_fixed_shape() -> anyhow::Result<()> {
    let report = demo(&["--contacts", "40"].map(OsStr::new)).await?;
    let top = ["duplicates", "quiescent", "records", "runs", "unequal"];
    assert_eq!(keys(&report), top);
    assert_eq!(keys(&report["records"]), ["a", "b"]);
    let runs = report["runs"].as_array().cloned().unwrap_or_default();
    let names: Vec<&Value> = runs.iter().map(|run| &run["name"]).collect();
    assert_eq!(
        names,
        ["first sync", "after people's edits", "nothing changed"]
    );
    for run in &runs {
        let members = [
            "a_to_b",
            "b_to_a",
            "conflicts",
            "name",
            "requests",
            "seconds",
        ];
        assert_eq!(keys(run), members);
        for direction in ["a_to_b", "b_to_a"] {
            let counters = ["created", "failed", "linked", "skipped", "updated"];
            assert_eq!(keys(&run[direction]), counters);
            assert!(counters.iter().all(|one| run[direction][*one].is_u64()));
        }
        assert_eq!(keys(&run["requests"]), ["a", "b"]);
        assert!(run["seconds"].is_number() && run["conflicts"].is_u64());
    }
    assert_eq!(report["duplicates"], 0);
    assert_eq!(report["unequal"], 0);
    assert_eq!(report["quiescent"], json!(true));
    assert_eq!(report["records"]["a"], report["records"]["b"]);
    // 40 on each side; what the other side lacked was created; one deleted, one more made on each side by hand.
    let created = runs[0]["b_to_a"]["created"].as_u64().unwrap_or(0);
    assert!((32..40).contains(&created), "{created} created");
    assert_eq!(report["records"]["a"], 40 + created - 1 + 2);
    // A sync without news asks each side little and no more for more contacts.
    let idle = &runs[2]["requests"];
    assert!(
        idle["a"].as_u64() <= Some(3) && idle["b"].as_u64() <= Some(2),
        "{idle}"
    );
    Ok(())
}

/// Ctrl-C in the middle of the first sync. Standard output is no terminal here: it holds lines, written once.
#[tokio::test]
async fn stopped_halfway_it_leaves_nothing_behind() -> anyhow::Result<()> {
    let temporary = Scratch::new()?;
    let mut child = Command::new(binary()?)
        .args(["demo", "--contacts", "2000"])
        .env("TMPDIR", &temporary.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    while let Some(line) = lines.next_line().await? {
        ensure!(!line.contains('\r'), "written over: {line:?}");
        if line.starts_with("connected them") {
            break;
        }
    }
    assert_ne!(std::fs::read_dir(&temporary.0)?.count(), 0);
    let id = child.id().context("it is gone already")?.to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().await?;
    ensure!(sent.success(), "it takes no signal");
    let ended = tokio::time::timeout(Duration::from_mins(1), child.wait_with_output()).await??;
    let said = String::from_utf8(ended.stderr)?;
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("stopped before the report"), "{said}");
    assert_eq!(std::fs::read_dir(&temporary.0)?.count(), 0, "{said}");
    Ok(())
}

/// Each of the sample exports, alone on one side: how many contacts come of it on side a and on side b.
async fn import(sample: &str, side: &str, contacts: (u64, u64)) -> anyhow::Result<()> {
    let folder = workspace().join("services/sandbox/tests/data");
    let file: PathBuf = folder.join(sample);
    let report = demo(&[OsStr::new(side), file.as_os_str()]).await?;
    let (a, b) = contacts;
    assert_eq!(
        report["records"],
        json!({"a": a, "b": b}),
        "{side} {sample}: {report}"
    );
    assert_eq!(report["duplicates"], 0, "{side} {sample}: {report}");
    assert_eq!(
        report["quiescent"],
        json!(true),
        "{side} {sample}: {report}"
    );
    assert!(report["imported"].is_array(), "{side} {sample}: {report}");
    // Nothing stays behind unnamed: each pair that differs stands as a problem of the record that could not be taken over.
    let problems = report["problems"].as_array().cloned().unwrap_or_default();
    let unequal = report["unequal"].as_u64().unwrap_or(u64::MAX);
    assert!(
        unequal <= 2 * problems.len() as u64,
        "{side} {sample}: {report}"
    );
    for problem in &problems {
        assert_eq!(keys(problem), ["message", "reason", "record", "side"]);
        assert_eq!(problem["reason"], "field_unfit", "{side} {sample}");
    }
    Ok(())
}

#[tokio::test]
async fn syncs_vcard_exports_of_real_apps() -> anyhow::Result<()> {
    let samples = [
        ("android-2.1.vcf", (3, 3), (3, 3)),
        ("broken-mixed.vcf", (4, 4), (4, 4)),
        ("fastmail-4.0.vcf", (1, 1), (1, 1)),
        ("google-3.0.vcf", (1, 1), (1, 1)),
        ("icloud-3.0.vcf", (3, 3), (3, 3)),
        ("nextcloud-4.0.vcf", (2, 2), (2, 2)),
        ("outlook-2.1.vcf", (1, 1), (1, 1)),
    ];
    for (sample, in_the_crm, at_google) in samples {
        import(sample, "--import-a", in_the_crm).await?;
        import(sample, "--import-b", at_google).await?;
    }
    Ok(())
}

#[tokio::test]
async fn syncs_csv_exports_of_real_apps() -> anyhow::Result<()> {
    let samples = [
        ("google-current.csv", (4, 4), (4, 4)),
        ("google-old.csv", (2, 2), (2, 2)),
        ("outlook-utf16.csv", (1, 1), (1, 1)),
    ];
    for (sample, in_the_crm, at_google) in samples {
        import(sample, "--import-a", in_the_crm).await?;
        import(sample, "--import-b", at_google).await?;
    }
    Ok(())
}
