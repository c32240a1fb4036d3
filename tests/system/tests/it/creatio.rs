//! Creatio with Google, as Creatio's own sync is: a private tag here and the group "Creatio" there.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::http::{self, text};
use system_tests::{Contact, GOOGLE, World};

use crate::people::{book, email};

/// Creatio, as the sandbox calls it.
const CREATIO: &str = "creatio";

/// A Creatio site beside Google, with a tag and a group.
struct Office {
    world: World,
    tag: String,
    group: String,
}

impl Office {
    /// A site whose address, client id and secret were typed, as side a.
    async fn open(contacts: u64) -> anyhow::Result<Self> {
        let mut world = World::start(0).await?;
        world.set("SYNCLINE__OUTBOUND__PRIVATE_NETWORKS", "127.0.0.0/8");
        world.stop().await?;
        world.start_again().await?;
        let sandbox = world.sandbox.clone();
        let site = sandbox
            .open_account(CREATIO, "kim@site.example", contacts, 1)
            .await?;
        let login = json!({
            "server": format!("{}/creatio/{site}", sandbox.base()),
            "user": "sandbox-creatio", "password": "sandbox-creatio-secret",
        });
        let body = json!({"provider": "creatio", "login": login});
        let made = world.api.post("/v1/accounts", body).await?;
        assert_eq!(made["account"]["status"]["is"], "active", "{made}");
        let tag = json!({"name": "Google synchronization"});
        let tag = sandbox.act(CREATIO, "actions/tag", tag).await?;
        world.a = text(&made, "/account/id")?;
        let path = format!("/v1/accounts/{}/collections", world.b);
        let group = json!({"name": "Creatio"});
        let group = text(&world.api.post(&path, group).await?, "/id")?;
        Ok(Self {
            tag: text(&tag, "/id")?,
            group: group.trim_start_matches("group:").to_owned(),
            world,
        })
    }

    /// Connects the tag and the group.
    async fn connected(&self) -> anyhow::Result<String> {
        let world = &self.world;
        let changes = json!({
            "a": {"account": world.a, "collection": format!("tag:{}", self.tag)},
            "b": {"account": world.b, "collection": format!("group:{}", self.group)},
            "conflict": "most_recent",
            "deletions": {"a_to_b": "unlink", "b_to_a": "unlink"},
        });
        world.connected(changes).await
    }

    async fn give_tag(&self, id: &str) -> anyhow::Result<()> {
        let body = json!({"tag": self.tag, "id": id});
        self.world
            .sandbox
            .act(CREATIO, "actions/tag-contact", body)
            .await?;
        Ok(())
    }

    /// Whether a contact of Creatio has the tag.
    async fn has_tag(&self, id: &str) -> anyhow::Result<bool> {
        let body = json!({"tag": self.tag});
        let told = self
            .world
            .sandbox
            .act(CREATIO, "actions/tagged", body)
            .await?;
        let ids = told["contacts"].as_array().into_iter().flatten();
        Ok(ids.filter_map(Value::as_str).any(|one| one == id))
    }

    /// The groups of a contact at Google, the one of all contacts and perhaps this.
    fn memberships(&self, in_it: bool) -> Value {
        let group =
            |name: &str| json!({"contactGroupMembership": {"contactGroupResourceName": name}});
        let mut all = vec![group("contactGroups/myContacts")];
        all.extend(in_it.then(|| group(&self.group)));
        json!({ "memberships": all })
    }

    async fn is_in_group(&self, name: &str) -> anyhow::Result<bool> {
        let found = self.world.sandbox.get(GOOGLE, &email(name)).await?;
        Ok(found.native["memberships"]
            .to_string()
            .contains(&self.group))
    }
}

fn person(name: &str) -> Value {
    json!({"GivenName": name, "Surname": "Tester", "Email": email(name), "MobilePhone": "+47 22 000 001"})
}

/// As Creatio's own sync begins: who has the tag is in a group "Creatio" that was not there before; who is then moved into
/// that group comes to Creatio with the tag; and from then on both go both ways.
#[tokio::test]
async fn a_private_tag_and_a_group_become_the_same() -> anyhow::Result<()> {
    let office = Office::open(0).await?;
    let sandbox = &office.world.sandbox;
    let [ada, bob] = [
        sandbox.create(CREATIO, person("Ada")).await?,
        sandbox.create(CREATIO, person("Bob")).await?,
    ];
    // Who has no tag is nobody's business.
    sandbox.create(CREATIO, person("Out")).await?;
    for id in [&ada, &bob] {
        office.give_tag(id).await?;
    }
    let mut there = Vec::new();
    for name in ["Eve", "Max"] {
        let outside = book(name, office.memberships(false));
        there.push(sandbox.create(GOOGLE, outside).await?);
    }
    let eve = there.swap_remove(0);
    let connection = office.connected().await?;
    assert!(office.is_in_group("Ada").await? && office.is_in_group("Bob").await?);
    assert!(sandbox.find(CREATIO, &email("Eve")).await?.is_none());
    sandbox.edit(GOOGLE, &eve, office.memberships(true)).await?;
    office.world.api.sync(&connection).await?;
    for name in ["Out", "Max"] {
        let other = if name == "Out" { GOOGLE } else { CREATIO };
        assert!(sandbox.find(other, &email(name)).await?.is_none(), "{name}");
    }
    let eve_here = sandbox.get(CREATIO, &email("Eve")).await?;
    assert!(office.has_tag(&eve_here.id).await?);
    office.world.quiet(&connection).await?;
    office.world.quiet(&connection).await?;

    // Edits on both sides: a column and a number of its own here, a job title there.
    let phone = json!({"entity": "ContactCommunication", "row": {
        "ContactId": ada, "CommunicationTypeId": "9a7ab41b-67cc-df11-9b2a-001d60e938c6", "Number": "+47 22 000 099"}});
    sandbox.act(CREATIO, "actions/row", phone).await?;
    sandbox
        .edit(CREATIO, &bob, json!({"JobTitle": "Boss"}))
        .await?;
    let title = json!({"organizations": [{"title": "Countess"}]});
    sandbox.edit(GOOGLE, &eve, title).await?;
    office.world.api.sync(&connection).await?;
    let ada_there = sandbox.get(GOOGLE, &email("Ada")).await?;
    assert!(ada_there.native.to_string().contains("+47 22 000 099"));
    let bob_there = sandbox.get(GOOGLE, &email("Bob")).await?;
    assert_eq!(Contact::read(&bob_there.neutral).title, "Boss");
    let eve_here = sandbox.read(CREATIO, &eve_here.id).await?;
    assert_eq!(Contact::read(&eve_here.neutral).title, "Countess");
    office.world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn a_deletion_takes_the_tag_or_the_group_away_and_never_the_record() -> anyhow::Result<()> {
    let office = Office::open(0).await?;
    let sandbox = &office.world.sandbox;
    let mut ids = Vec::new();
    for name in ["Ada", "Bob", "Eve"] {
        let id = sandbox.create(CREATIO, person(name)).await?;
        office.give_tag(&id).await?;
        ids.push(id);
    }
    let [ada, bob, eve] = [&ids[0], &ids[1], &ids[2]];
    let connection = office.connected().await?;
    office.world.quiet(&connection).await?;
    sandbox.delete(CREATIO, ada).await?;
    let there = sandbox.get(GOOGLE, &email("Bob")).await?;
    sandbox.delete(GOOGLE, &there.id).await?;
    office.world.api.sync(&connection).await?;
    assert!(!office.is_in_group("Ada").await?);
    let here = sandbox.read(CREATIO, bob).await?;
    assert!(!here.deleted && !office.has_tag(bob).await?);
    assert!(office.has_tag(eve).await? && office.is_in_group("Eve").await?);
    office.world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn all_contacts_and_an_answer_that_is_lost() -> anyhow::Result<()> {
    let office = Office::open(30).await?;
    let world = &office.world;
    for name in ["Ada", "Bob"] {
        world.sandbox.create(GOOGLE, book(name, json!({}))).await?;
    }
    let fault = json!({"provider": CREATIO, "route": "POST /0/odata/$batch", "times": 1,
        "fault": {"kind": "lost_answer"}});
    world.sandbox.fault(fault).await?;
    let connection = world.connected(json!({})).await?;
    world.api.sync(&connection).await?;
    let [here, there] = [
        world.sandbox.live(CREATIO).await?,
        world.sandbox.live(GOOGLE).await?,
    ];
    assert_eq!(here.len(), there.len());
    world.quiet(&connection).await?;
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn a_secret_that_is_not_taken_is_said_so() -> anyhow::Result<()> {
    let office = Office::open(0).await?;
    let world = &office.world;
    let site = world.sandbox.account(CREATIO).await?;
    for (secret, server, member) in [
        ("wrong", "/creatio/", "/login/password"),
        ("sandbox-creatio-secret", "/nowhere/", "/login/server"),
    ] {
        let login = json!({
            "server": format!("{}{server}{site}", world.sandbox.base()),
            "user": "sandbox-creatio", "password": secret,
        });
        let body = json!({"provider": "creatio", "login": login});
        let answer = world
            .api
            .call(Method::POST, "/v1/accounts", Some(&body))
            .await?;
        assert_eq!(answer.status, 422, "{}", answer.body);
        assert!(answer.body.to_string().contains(member), "{}", answer.body);
    }
    // A token that ends is got anew, without anybody.
    world
        .sandbox
        .act(CREATIO, "expire-access-tokens", json!({}))
        .await?;
    let path = format!("/v1/accounts/{}/collections", world.a);
    assert!(
        world
            .api
            .get(&path)
            .await?
            .to_string()
            .contains("Google synchronization")
    );
    Ok(())
}

#[tokio::test]
async fn a_secret_that_was_changed_pauses_until_the_new_one_is_typed() -> anyhow::Result<()> {
    let office = Office::open(3).await?;
    let world = &office.world;
    let connection = office.connected().await?;
    let app = json!({"client_id": "sandbox-creatio", "client_secret": "another"});
    let apps = format!("{}/_sandbox/creatio/apps", world.sandbox.base());
    let changed = http::call(&http::client()?, Method::POST, &apps, None, Some(&app)).await?;
    assert_eq!(changed.status, 201, "{}", changed.body);
    // The token that there is works until it ends.
    world.quiet(&connection).await?;
    let dead = json!({});
    world
        .sandbox
        .act(CREATIO, "expire-access-tokens", dead)
        .await?;
    let run = world.api.begin(&connection).await?;
    let run = world.api.ended(&run).await?;
    assert_eq!(run["state"], "failed", "{run}");
    let path = format!("/v1/accounts/{}", world.a);
    let account = world.api.get(&path).await?;
    assert_eq!(
        account["status"]["is"], "needs_reauthorization",
        "{account}"
    );
    assert!(
        account.to_string().contains("client id and secret"),
        "{account}"
    );
    let site = world.sandbox.account(CREATIO).await?;
    let login = json!({
        "server": format!("{}/creatio/{site}", world.sandbox.base()),
        "user": "sandbox-creatio", "password": "another",
    });
    let again = format!("{path}/login");
    let answer = world.api.call(Method::PUT, &again, Some(&login)).await?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    world.quiet(&connection).await?;
    Ok(())
}

/// A tag and a group of the same name, both made by the API, however often it is asked.
#[tokio::test]
async fn collections_are_made_once_on_both_sides() -> anyhow::Result<()> {
    let office = Office::open(0).await?;
    let world = &office.world;
    let mut made = Vec::new();
    for account in [&world.a, &world.b] {
        let path = format!("/v1/accounts/{account}/collections");
        let body = json!({"name": "Partners"});
        let both = tokio::try_join!(
            world.api.call(Method::POST, &path, Some(&body)),
            world.api.call(Method::POST, &path, Some(&body)),
        )?;
        let mut statuses = [both.0.status, both.1.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 201], "{} {}", both.0.body, both.1.body);
        assert_eq!(both.0.body, both.1.body);
        let listed = world.api.list(&path).await?;
        let same = listed.iter().filter(|one| one["name"] == "Partners");
        assert_eq!(same.count(), 1, "{listed:?}");
        made.push(text(&both.0.body, "/id")?);
    }
    let ada = world.sandbox.create(CREATIO, person("Ada")).await?;
    let tag = made[0].trim_start_matches("tag:");
    let give = json!({"tag": tag, "id": ada});
    world
        .sandbox
        .act(CREATIO, "actions/tag-contact", give)
        .await?;
    let changes = json!({
        "a": {"account": world.a, "collection": made[0]},
        "b": {"account": world.b, "collection": made[1]},
    });
    let connection = world.connected(changes).await?;
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let group = made[1].trim_start_matches("group:");
    assert!(there.native["memberships"].to_string().contains(group));
    world.quiet(&connection).await?;
    Ok(())
}

/// Columns that the site's owner added go both ways; one that is taken away pauses its mapping alone.
#[tokio::test]
async fn columns_of_the_sites_own_are_synced() -> anyhow::Result<()> {
    let mut office = Office::open(0).await?;
    for (name, kind) in [("UsrCode", "text"), ("UsrScore", "number")] {
        let column = json!({"name": name, "type": kind});
        let sandbox = &office.world.sandbox;
        sandbox.act(CREATIO, "actions/column", column).await?;
    }
    let mut tiers = Vec::new();
    for name in ["Gold", "Silver"] {
        let row = json!({"entity": "UsrCategory", "row": {"Name": name}});
        let made = office.world.sandbox.act(CREATIO, "actions/row", row);
        tiers.push(made.await?["id"].clone());
    }
    let had = json!({
        "GivenName": "Ada", "Surname": "Tester", "Email": email("Ada"), "UsrCode": "A-1", "UsrScore": 7.5,
        "UsrTierId": tiers[0],
    });
    let ada = office.world.sandbox.create(CREATIO, had).await?;
    office.give_tag(&ada).await?;
    let changes = json!({
        "a": {"account": office.world.a, "collection": format!("tag:{}", office.tag)},
        "b": {"account": office.world.b, "collection": format!("group:{}", office.group)},
        "mapping": [
            {"a": "GivenName", "b": "names.givenName"},
            {"a": "Surname", "b": "names.familyName"},
            {"a": "email.work", "b": "email.work"},
            {"a": "text.UsrCode", "b": "userDefined.code"},
            {"a": "number.UsrScore", "b": "userDefined.score", "as": "number"},
            {"a": "choice.UsrCategory.UsrTier", "b": "userDefined.tier"},
        ],
    });
    let connection = office.world.connected(changes).await?;
    let own = async |world: &World| {
        let found = world.sandbox.get(GOOGLE, &email("Ada")).await?;
        anyhow::Ok(found.native["userDefined"].clone())
    };
    let there = own(&office.world).await?;
    for (key, value) in [("code", "A-1"), ("score", "7.5"), ("tier", "Gold")] {
        let mut all = there.as_array().into_iter().flatten();
        let same = all.any(|one| one["key"] == key && one["value"] == value);
        assert!(same, "{key}: {there}");
    }
    office.world.quiet(&connection).await?;
    let world = &office.world;
    let found = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let edit = json!({"userDefined": [
        {"key": "code", "value": "B-2"}, {"key": "score", "value": "-3"}, {"key": "tier", "value": "Silver"},
    ]});
    world.sandbox.edit(GOOGLE, &found.id, edit).await?;
    world.api.sync(&connection).await?;
    let here = world.sandbox.read(CREATIO, &ada).await?.native;
    assert_eq!(
        (
            &here["UsrCode"],
            here["UsrScore"].as_f64(),
            &here["UsrTierId"]
        ),
        (&json!("B-2"), Some(-3.0), &tiers[1])
    );
    office.world.quiet(&connection).await?;

    // For a name that the site does not have nothing is made; once it has it, it goes over.
    let world = &office.world;
    let found = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let mut lead = json!(null);
    for (score, want) in [("5", "-3"), ("6", "6")] {
        let edit = json!({"userDefined": [
            {"key": "code", "value": "B-2"}, {"key": "score", "value": score}, {"key": "tier", "value": "Lead"},
        ]});
        world.sandbox.edit(GOOGLE, &found.id, edit).await?;
        world.api.sync(&connection).await?;
        let here = world.sandbox.read(CREATIO, &ada).await?.native;
        let tier = if lead.is_null() { &tiers[1] } else { &lead };
        let scored = here["UsrScore"].as_f64().map(|score| score.to_string());
        assert_eq!((scored.as_deref(), &here["UsrTierId"]), (Some(want), tier));
        let path = format!("/v1/connections/{connection}/problems?status=open");
        let problems = world.api.get(&path).await?.to_string();
        assert_eq!(problems.contains("UsrTier"), lead.is_null(), "{problems}");
        if lead.is_null() {
            let row = json!({"entity": "UsrCategory", "row": {"Name": "Lead"}});
            lead = world.sandbox.act(CREATIO, "actions/row", row).await?["id"].clone();
        }
    }
    office.world.quiet(&connection).await?;

    let gone = json!({"name": "UsrCode"});
    office
        .world
        .sandbox
        .act(CREATIO, "actions/delete-column", gone)
        .await?;
    // What is remembered of the fields is forgotten.
    office.world.stop().await?;
    office.world.start_again().await?;
    let world = &office.world;
    let edit = json!({"UsrScore": 4, "GivenName": "Ada Maria"});
    world.sandbox.edit(CREATIO, &ada, edit).await?;
    world.api.sync(&connection).await?;
    let there = own(world).await?.to_string();
    assert!(there.contains("B-2") && there.contains("\"4\""), "{there}");
    let path = format!("/v1/connections/{connection}/health");
    let told = world.api.get(&path).await?;
    assert!(
        told["paused_mapping"].to_string().contains("text.UsrCode"),
        "{told}"
    );
    Ok(())
}
