//! The rules of docs/architecture.md that a look at the tree can hold: who imports whom, where the heavy crates live,
//! connectors and their registry, migrations in pairs, what no file may lack or contain.
//! Not here: what one crate can test alone, such as the freshness of the OpenAPI document.

#![expect(
    clippy::expect_used,
    reason = "a tree that cannot be read has failed the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// Crate folder, and the folders of ours it may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("libs/model", &[]),
    ("libs/engine", &["libs/model"]),
    ("libs/connector", &["libs/model"]),
    ("libs/connectors", &["libs/model", "libs/connector"]),
    // The platform, for the clock and the sealing of what is stored.
    ("libs/store", &["libs/model", "libs/platform"]),
    ("libs/queue", &["libs/model"]),
    // The platform, for the clock and for chance in waits.
    ("libs/coordination", &["libs/model", "libs/platform"]),
    ("libs/platform", &[]),
    // Opens accounts with fresh access, for the gateway and the worker alike.
    (
        "libs/accounts",
        &[
            "libs/model",
            "libs/connector",
            "libs/store",
            "libs/coordination",
            "libs/platform",
        ],
    ),
    (
        "services/gateway",
        &[
            "libs/model",
            "libs/engine",
            "libs/connector",
            "libs/store",
            "libs/queue",
            "libs/coordination",
            "libs/platform",
            "libs/accounts",
        ],
    ),
    // All libraries but the connectors: a worker does not know which providers exist.
    (
        "services/worker",
        &[
            "libs/model",
            "libs/engine",
            "libs/connector",
            "libs/store",
            "libs/queue",
            "libs/coordination",
            "libs/platform",
            "libs/accounts",
        ],
    ),
    // What the sandbox shared with a connector, both could get wrong together.
    ("services/sandbox", &["libs/platform"]),
    ("services/syncline", EVERYTHING),
    ("tests/bench", EVERYTHING),
    ("tests/chaos", &["libs/platform", "tests/system"]),
    ("tests/planner", &["libs/model", "libs/engine"]),
    ("tests/simulation", EVERYTHING),
    ("tests/system", EVERYTHING),
];

/// Stands for every crate of ours.
const EVERYTHING: &[&str] = &["*"];

/// Crates with one home (or few), and those homes. Tests may use them anywhere.
const HEAVY: &[(&str, &[&str])] = &[
    (
        "actix-web",
        &["services/gateway", "services/sandbox", "services/syncline"],
    ),
    ("anyhow", &["services/syncline"]),
    ("clap", &["services/syncline"]),
    ("config", &["libs/platform"]),
    ("jsonwebtoken", &["services/gateway"]),
    ("lapin", &["libs/queue"]),
    ("metrics-exporter-prometheus", &["services/syncline"]),
    ("opentelemetry", &["libs/platform", "services/syncline"]),
    ("opentelemetry-otlp", &["services/syncline"]),
    ("redis", &["libs/coordination"]),
    (
        "reqwest",
        &["libs/connector", "services/sandbox", "services/syncline"],
    ),
    ("sqlx", &["libs/store"]),
    ("tracing-subscriber", &["libs/platform"]),
    ("utoipa", &["services/gateway"]),
    ("utoipa-swagger-ui", &["services/gateway"]),
];

/// Libraries that are functions of their arguments, and what would make them otherwise.
const PURE: &[&str] = &["libs/model", "libs/engine"];
const IMPURE: &[&str] = &[
    "async-trait",
    "futures",
    "getrandom",
    "rand",
    "tokio",
    "tracing",
];

/// Longest Rust file, in lines. The house asks for fewer than about 500; this is where asking ends.
const MAX_LINES: usize = 700;
/// Longest file of tests: scenarios side by side read better than scattered.
const MAX_TEST_LINES: usize = 800;

/// What a finished file does not contain. Written in halves, so that this file does not.
const UNFINISHED: &[&str] = &[
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("#[ig", "nore"),
    concat!("db", "g!("),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("pytest.mark.sk", "ip"),
    concat!("pytest.mark.x", "fail"),
];

/// Files of a connector's folder.
const OF_THE_DEMO: [&str; 2] = ["google_contacts", "zoho_crm"];
const CONNECTOR_FILES: &[&str] = &["provider.toml", "mod.rs", "wire.rs", "map.rs", "tests.rs"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a file of the tree")
}

/// Names in a folder, sorted; none when there is no such folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

/// Every crate of the workspace: folder and manifest.
fn manifests() -> BTreeMap<String, Table> {
    let mut all = BTreeMap::new();
    for group in ["libs", "services", "tests"] {
        for name in names(&root().join(group)) {
            let path = root().join(group).join(&name).join("Cargo.toml");
            if path.exists() {
                let manifest = read(&path).parse().expect("a manifest is TOML");
                all.insert(format!("{group}/{name}"), manifest);
            }
        }
    }
    all
}

/// The members of one or more dependency tables, those per target too.
fn dependencies<'a>(manifest: &'a Table, kinds: &[&str]) -> BTreeMap<&'a str, &'a Value> {
    let targets = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flatten();
    let tables = targets
        .filter_map(|(_, value)| value.as_table())
        .chain([manifest]);
    let mut all = BTreeMap::new();
    for table in tables {
        for kind in kinds {
            let found = table.get(*kind).and_then(Value::as_table);
            all.extend(
                found
                    .into_iter()
                    .flatten()
                    .map(|(name, value)| (name.as_str(), value)),
            );
        }
    }
    all
}

const BUILT_IN: &[&str] = &["dependencies", "build-dependencies"];
const FOR_TESTS: &[&str] = &["dev-dependencies"];

/// Package name to folder.
fn packages(manifests: &BTreeMap<String, Table>) -> BTreeMap<&str, &str> {
    fn name(manifest: &Table) -> Option<&str> {
        manifest.get("package")?.get("name")?.as_str()
    }
    manifests
        .iter()
        .filter_map(|(folder, manifest)| Some((name(manifest)?, folder.as_str())))
        .collect()
}

/// Files under the source folders whose names end so, with paths from the root.
fn files(endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["libs", "services", "tests", "migrations"]
        .map(PathBuf::from)
        .into();
    while let Some(folder) = folders.pop() {
        for name in names(&root().join(&folder)) {
            let path = folder.join(&name);
            if root().join(&path).is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() > 10, "the tree was not found");
    found
}

/// Fails with every breach, one a line.
#[track_caller]
fn hold(rule: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{rule}:\n  {}", breaches.join("\n  "));
}

#[test]
fn crates_import_only_what_the_table_allows() {
    let manifests = manifests();
    let packages = packages(&manifests);
    let table: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let known: BTreeSet<&str> = manifests.keys().map(String::as_str).collect();
    let listed: BTreeSet<&str> = table.keys().copied().collect();
    assert_eq!(known, listed, "crates of the tree, and of the table");

    let mut breaches = Vec::new();
    for (folder, manifest) in &manifests {
        let allowed = table.get(folder.as_str()).copied().unwrap_or_default();
        if allowed == EVERYTHING {
            continue;
        }
        let imported = dependencies(manifest, BUILT_IN);
        let ours = imported.keys().filter_map(|name| packages.get(name));
        breaches.extend(
            ours.filter(|other| !allowed.contains(other))
                .map(|other| format!("{folder} imports {other}")),
        );
    }
    hold(
        "a crate imports what the table does not allow it",
        &breaches,
    );
}

/// Tests of a library may ask the sandbox and the planner's cases; they are not a way round the table otherwise.
#[test]
fn tests_of_libraries_import_only_helpers_besides() {
    let manifests = manifests();
    let packages = packages(&manifests);
    let mut breaches = Vec::new();
    for (folder, allowed) in MAY_IMPORT {
        if !folder.starts_with("libs/") && *folder != "services/sandbox" {
            continue;
        }
        let Some(manifest) = manifests.get(*folder) else {
            continue;
        };
        let imported = dependencies(manifest, FOR_TESTS);
        let ours = imported.keys().filter_map(|name| packages.get(name));
        breaches.extend(
            ours.filter(|other| {
                let helper = ["services/sandbox", "tests/planner"].contains(other);
                !allowed.contains(other) && !helper && *other != folder
            })
            .map(|other| format!("tests of {folder} import {other}")),
        );
    }
    hold(
        "tests of a crate import what the table does not allow it",
        &breaches,
    );
}

#[test]
fn heavy_crates_stay_at_home() {
    let manifests = manifests();
    let mut breaches = Vec::new();
    for (folder, manifest) in &manifests {
        let imported = dependencies(manifest, BUILT_IN);
        for (heavy, homes) in HEAVY {
            let at_home = folder.starts_with("tests/") || homes.contains(&folder.as_str());
            if imported.contains_key(heavy) && !at_home {
                breaches.push(format!(
                    "{folder} depends on {heavy}, which is for {}",
                    homes.join(", ")
                ));
            }
        }
        if PURE.contains(&folder.as_str()) {
            let impure = IMPURE.iter().filter(|name| imported.contains_key(*name));
            breaches.extend(
                impure.map(|name| format!("{folder} depends on {name}, and is a pure library")),
            );
        }
    }
    hold("a dependency away from its home", &breaches);
}

#[test]
fn crates_take_versions_and_lints_from_the_workspace() {
    let mut breaches = Vec::new();
    for (folder, manifest) in manifests() {
        let of_workspace =
            |value: &Value| value.get("workspace").and_then(Value::as_bool) == Some(true);
        if !manifest.get("lints").is_some_and(of_workspace) {
            breaches.push(format!("{folder} does not have the workspace's lints"));
        }
        let all = [BUILT_IN, FOR_TESTS].concat();
        for (name, value) in dependencies(&manifest, &all) {
            if !of_workspace(value) {
                breaches.push(format!("{folder} states a version of {name} itself"));
            }
        }
    }
    hold("a crate that goes its own way", &breaches);
}

/// More than one binary a crate is linked, and waited for, more than once.
#[test]
fn crates_have_one_integration_binary() {
    let mut breaches = Vec::new();
    for folder in manifests().keys() {
        let tests = root().join(folder).join("tests");
        for name in names(&tests) {
            let is_target = Path::new(&name)
                .extension()
                .is_some_and(|ending| ending == "rs")
                || tests.join(&name).join("main.rs").exists();
            if is_target && name != "it" {
                breaches.push(format!("{folder}/tests/{name}"));
            }
        }
    }
    hold("integration tests outside tests/it", &breaches);
}

#[test]
fn connectors_are_folders_of_one_shape() {
    let source = root().join("libs/connectors/src");
    let mut breaches = Vec::new();
    for name in names(&source) {
        let folder = source.join(&name);
        if !folder.is_dir() {
            if !["lib.rs", "registry.rs"].contains(&name.as_str()) {
                breaches.push(format!("{name} belongs to no connector"));
            }
            continue;
        }
        let missing = CONNECTOR_FILES
            .iter()
            .filter(|file| !folder.join(file).exists());
        breaches.extend(missing.map(|file| format!("{name} has no {file}")));
        let definition: Option<Table> = fs::read_to_string(folder.join("provider.toml"))
            .ok()
            .and_then(|t| t.parse().ok());
        let id = definition
            .as_ref()
            .and_then(|table| table.get("id")?.as_str());
        if id != Some(name.as_str()) {
            breaches.push(format!("{name}/provider.toml has the id {id:?}"));
        }
    }
    hold("a connector is a folder", &breaches);
}

/// Outside its folder a connector is one line of one file: no program or library knows of it in another place. The two
/// that the demo connects, and plans give a price for, are looked at by none.
#[test]
fn a_connector_adds_one_line_to_what_is_there() {
    let connectors = Path::new("libs/connectors/src");
    let mut found = BTreeMap::new();
    for name in names(&root().join(connectors)) {
        if !name.contains('.') && !OF_THE_DEMO.contains(&name.as_str()) {
            found.insert(name, Vec::new());
        }
    }
    assert!(found.len() > 4, "connectors were found: {found:?}");
    for path in files(&[".rs", ".toml", ".sql"]) {
        let is_product = path.starts_with("libs") || path.starts_with("services");
        let is_test = path.components().any(|part| part.as_os_str() == "tests");
        if !is_product || is_test || path.starts_with("services/sandbox") {
            continue;
        }
        for line in read(&root().join(&path)).lines() {
            for word in line.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_')) {
                let Some(lines) = found.get_mut(word) else {
                    continue;
                };
                if !path.starts_with(connectors.join(word)) {
                    lines.push(format!("{}: {}", path.display(), line.trim()));
                }
            }
        }
    }
    for (name, lines) in found {
        let wanted = [format!("libs/connectors/src/lib.rs: pub mod {name};")];
        assert_eq!(lines, wanted, "where {name} is named");
    }
}

/// Each box of the list for new connectors names what checks it: a check of the suite in italics, or a test as code.
#[test]
fn boxes_of_the_checklist_are_checked() {
    let guide = read(&root().join("docs/adding-a-connector.md"));
    let (_, list) = guide.split_once("- [ ] ").expect("a list of boxes");
    let suite = read(&root().join("libs/connector/src/conformance/mod.rs"));
    let tests: String = files(&[".rs", ".py"])
        .iter()
        .map(|path| read(&root().join(path)))
        .collect();
    let mut breaches = Vec::new();
    for item in list.split("- [ ] ") {
        let checks: Vec<&str> = item.split('*').skip(1).step_by(2).collect();
        let named = item.split('`').skip(1).step_by(2);
        let named: Vec<&str> = named.filter(|name| name.matches('_').count() > 1).collect();
        if checks.is_empty() && named.is_empty() {
            breaches.push(format!("nothing checks: {item}"));
        }
        let unknown = checks
            .iter()
            .filter(|check| !suite.contains(&format!("\"{check}\" =>")));
        breaches.extend(unknown.map(|check| format!("the suite has no check `{check}`")));
        let absent = named.iter().filter(|name| {
            !["fn", "def"]
                .iter()
                .any(|word| tests.contains(&format!("{word} {name}(")))
        });
        breaches.extend(absent.map(|name| format!("there is no test `{name}`")));
    }
    hold("a box that nothing checks", &breaches);
}

#[test]
fn migrations_come_in_pairs() {
    let [postgres, sqlite] =
        ["postgres", "sqlite"].map(|db| names(&root().join("migrations").join(db)));
    assert_eq!(postgres, sqlite);
    let numbers: Vec<Option<usize>> = postgres
        .iter()
        .map(|name| name.get(..4)?.parse().ok())
        .collect();
    let wanted: Vec<Option<usize>> = (1..=postgres.len()).map(Some).collect();
    assert_eq!(numbers, wanted, "numbered without gaps: {postgres:?}");
    assert!(!postgres.is_empty(), "no migration was found");
}

#[test]
fn modules_say_what_they_are_for() {
    let silent: Vec<String> = files(&[".rs"])
        .into_iter()
        .filter(|path| !read(&root().join(path)).starts_with("//!"))
        .map(|path| path.display().to_string())
        .collect();
    hold("a file does not begin with `//!`", &silent);
}

#[test]
fn files_are_short() {
    let mut long = Vec::new();
    for path in files(&[".rs"]) {
        let text = path.display().to_string();
        let is_test = text.contains("/tests/") || text.ends_with("tests.rs");
        let limit = if is_test { MAX_TEST_LINES } else { MAX_LINES };
        let lines = read(&root().join(&path)).lines().count();
        if lines > limit {
            long.push(format!("{text}: {lines} lines, at most {limit}"));
        }
    }
    hold("a file that wants to be two", &long);
}

/// A test that needs more than the suite installs is left to a step of `./test` of its own, which it names.
fn is_left_to_a_step(line: &str, steps: &str) -> bool {
    let named = line.trim().strip_prefix(concat!("#[ig", "nore = \""));
    let step = named.and_then(|reason| reason.strip_suffix("\"]")?.split_once(": ./test "));
    step.is_some_and(|(_, step)| steps.split_whitespace().any(|known| known == step))
}

#[test]
fn nothing_is_left_unfinished_or_skipped() {
    let mut found = Vec::new();
    let script = read(&root().join("test"));
    let steps = script
        .lines()
        .find_map(|line| line.strip_prefix("EXTRA_STEPS=(")?.split(')').next())
        .expect("the steps that run only when named");
    for path in files(&[".rs", ".py", ".sql"]) {
        let text = read(&root().join(&path));
        for (number, line) in text.lines().enumerate() {
            if is_left_to_a_step(line, steps) {
                continue;
            }
            let marks = UNFINISHED.iter().filter(|mark| line.contains(**mark));
            found.extend(marks.map(|mark| format!("{}:{}: {mark}", path.display(), number + 1)));
        }
    }
    hold("unfinished, or skipped", &found);
}

/// What lets deliberate faults and a foreign scheduler into the core is for the simulation alone.
#[test]
fn product_is_built_without_the_features_of_the_simulation() {
    let features_of = |package: &str| {
        let asked = std::process::Command::new(env!("CARGO"))
            .args([
                "tree",
                "--offline",
                "--locked",
                "--edges",
                "features,no-dev",
            ])
            .args(["--package", package])
            .current_dir(root())
            .output()
            .expect("cargo tree");
        assert!(asked.status.success(), "cargo tree of {package}");
        String::from_utf8_lossy(&asked.stdout).into_owned()
    };
    let of_simulation = [
        r#"syncline-model feature "seeded-bugs""#,
        r#"syncline-store feature "turns""#,
    ];
    let (product, simulation) = (features_of("syncline"), features_of("simulation"));
    for feature in of_simulation {
        assert!(!product.contains(feature), "the product has {feature}");
        assert!(
            simulation.contains(feature),
            "{feature} is looked for by its name"
        );
    }
}
