//! Members and invitations.

use syncline_model::*;
use syncline_store::*;

use crate::harness::{World, at, uuid};

on_both!(
    two_owners_cannot_unmake_each_other,
    of_two_owners_who_remove_each_other_one_stays,
    who_is_no_owner_any_more_unmakes_none,
    an_invitation_makes_one_member,
    an_invitation_ends_with_whoever_made_it,
    an_invitation_is_accepted_while_its_maker_may_give_the_role,
    an_open_invitation_to_own_is_left_to_owners,
    open_invitations_are_counted,
);

/// The most that is open in a test that does not count.
const MANY: u32 = 1000;

/// Owners decide about everybody, admins and keys with that scope about all but owners.
fn may(standing: &Standing, role: Role) -> bool {
    match standing {
        Standing::Member(Role::Owner) => true,
        Standing::Member(Role::Admin) => role != Role::Owner,
        Standing::Member(_) => false,
        Standing::ApiKey(scopes) => {
            scopes.iter().any(|scope| scope == "admin") && role != Role::Owner
        }
    }
}

fn by(member: MemberId) -> Decider {
    let who = Actor::Member(member);
    Decider { who, may }
}

/// The member that comes with tenant `n`: an owner.
fn first(n: u32) -> MemberId {
    MemberId::from_uuid(uuid(n + 1))
}

async fn accept(world: &World, invitation: &Invitation, n: u32) -> Result<Member> {
    let member = NewMember {
        id: MemberId::from_uuid(uuid(n)),
        email: invitation.email.clone(),
        password_hash: "x".into(),
        role: invitation.role,
    };
    world
        .store
        .invitation_accept(invitation, &member, may, at(1))
        .await
}

fn invitation(n: u32, role: Role, invited_by: Actor) -> NewInvitation {
    NewInvitation {
        id: InvitationId::from_uuid(uuid(n)),
        email: format!("Guest{n}@Example.test"),
        role,
        token_hash: n.to_be_bytes().repeat(8),
        invited_by,
        created_at: at(0),
        expires_at: at(100),
    }
}

async fn invite(scope: &Scope, n: u32, role: Role, invited_by: Actor) -> Result<Invitation> {
    let new = invitation(n, role, invited_by);
    scope.invitation_put(&new, may, MANY).await
}

/// A member of a role, invited by the first one of tenant 10.
async fn member(world: &World, scope: &Scope, n: u32, role: Role) -> MemberId {
    let invited = invite(scope, n, role, Actor::Member(first(10))).await;
    let member = accept(world, &invited.expect("invited"), n).await;
    member.expect("a member").id
}

async fn open(scope: &Scope) -> Vec<String> {
    let all = scope.invitation_list(None, 100).await.expect("list");
    all.into_iter().map(|one| one.email).collect()
}

fn refused<T: std::fmt::Debug>(result: &Result<T>) {
    assert!(matches!(result, Err(StoreError::Refused)), "{result:?}");
}

/// At the same time, too.
async fn two_owners_cannot_unmake_each_other(world: World) {
    let scope = world.tenant(10).await;
    let one = first(10);
    let other = member(&world, &scope, 21, Role::Owner).await;
    let (removed, changed) = tokio::join!(
        scope.member_remove(one, by(one)),
        scope.member_role_set(other, Role::Viewer, by(other))
    );
    assert!(
        removed.is_ok() != changed.is_ok(),
        "{removed:?} {changed:?}"
    );
    let refused = removed.err().or(changed.err());
    assert!(
        matches!(refused, Some(StoreError::Conflict { what: "owner" })),
        "{refused:?}"
    );
    let members = scope.member_list(None, 10).await.expect("members");
    let owners = members.iter().filter(|member| member.role == Role::Owner);
    assert_eq!(owners.count(), 1, "{members:?}");
    world.end().await;
}

/// A third one is there, so that it is not for want of an owner that the later one is refused.
async fn of_two_owners_who_remove_each_other_one_stays(world: World) {
    let scope = world.tenant(10).await;
    for round in 0..30 {
        let one = member(&world, &scope, 100 + 2 * round, Role::Owner).await;
        let other = member(&world, &scope, 101 + 2 * round, Role::Owner).await;
        let (gone, went) = tokio::join!(
            scope.member_remove(one, by(other)),
            scope.member_remove(other, by(one))
        );
        assert!(gone.is_ok() != went.is_ok(), "{round}: {gone:?} {went:?}");
        let (stayed, late) = if gone.is_ok() {
            (other, went)
        } else {
            (one, gone)
        };
        refused(&late);
        let members = scope.member_list(None, 10).await.expect("members");
        let members: Vec<_> = members.iter().map(|member| member.id).collect();
        assert_eq!(members, [first(10), stayed], "{round}");
        scope
            .member_remove(stayed, by(first(10)))
            .await
            .expect("removed");
    }
    world.end().await;
}

async fn who_is_no_owner_any_more_unmakes_none(world: World) {
    let scope = world.tenant(10).await;
    let other = member(&world, &scope, 20, Role::Owner).await;
    let changed = scope
        .member_role_set(other, Role::Admin, by(first(10)))
        .await;
    assert_eq!(changed.expect("changed").role, Role::Admin);
    refused(&scope.member_remove(first(10), by(other)).await);
    refused(
        &scope
            .member_role_set(first(10), Role::Viewer, by(other))
            .await,
    );
    refused(&scope.member_role_set(other, Role::Owner, by(other)).await);
    let nobody = scope
        .member_remove(MemberId::from_uuid(uuid(99)), by(other))
        .await;
    assert!(matches!(nobody, Err(StoreError::NotFound)), "{nobody:?}");
    world.end().await;
}

async fn an_invitation_makes_one_member(world: World) {
    let scope = world.tenant(10).await;
    let other = world.tenant(30).await;
    let who = Actor::Member(first(10));
    let invited = invite(&scope, 20, Role::Viewer, who)
        .await
        .expect("invited");
    let hash = 20_u32.to_be_bytes().repeat(8);
    let found = world.store.invitation_by_token(&hash).await;
    assert_eq!(found.expect("read"), Some(invited.clone()));
    assert_eq!(other.invitation_list(None, 10).await.expect("list"), []);
    let (first, second) = tokio::join!(accept(&world, &invited, 21), accept(&world, &invited, 22));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_eq!(scope.member_list(None, 10).await.expect("list").len(), 2);
    assert_eq!(scope.invitation_list(None, 10).await.expect("list"), []);
    // Whose address it is here is told; whose elsewhere is found out by accepting alone, which keeps the invitation.
    let again = invite(&scope, 20, Role::Viewer, who).await;
    assert!(
        matches!(again, Err(StoreError::Conflict { what: "email" })),
        "{again:?}"
    );
    let elsewhere = NewInvitation {
        email: "Owner30@Example.test".into(),
        ..invitation(23, Role::Viewer, who)
    };
    let elsewhere = scope.invitation_put(&elsewhere, may, MANY).await;
    let taken = accept(&world, &elsewhere.expect("invited"), 23).await;
    assert!(
        matches!(taken, Err(StoreError::Conflict { what: "email" })),
        "{taken:?}"
    );
    assert_eq!(open(&scope).await, ["owner30@example.test"]);
    world.end().await;
}

async fn an_invitation_ends_with_whoever_made_it(world: World) {
    let scope = world.tenant(10).await;
    let (owner, kept) = (first(10), "guest20@example.test");
    let own = Actor::Member(owner);
    invite(&scope, 20, Role::Viewer, own)
        .await
        .expect("invited");
    let ends = async |n: u32, admin: MemberId, open_after: &[&str]| {
        let who = Actor::Member(admin);
        invite(&scope, n, Role::Editor, who).await.expect("invited");
        assert_eq!(open(&scope).await.len(), 2);
        let changed = match n {
            51 => scope.member_remove(admin, by(owner)).await,
            52 => scope
                .member_role_set(admin, Role::Viewer, by(owner))
                .await
                .map(drop),
            _ => scope
                .member_role_set(admin, Role::Editor, by(owner))
                .await
                .map(drop),
        };
        changed.expect("changed");
        assert_eq!(open(&scope).await, open_after);
        refused(&invite(&scope, n, Role::Editor, who).await);
    };
    for n in 51..=53 {
        let admin = member(&world, &scope, n - 20, Role::Admin).await;
        ends(n, admin, &[kept]).await;
    }
    let key = NewApiKey {
        id: ApiKeyId::from_uuid(uuid(60)),
        name: "robot".into(),
        hash: b"robot".to_vec(),
        scopes: vec!["admin".into()],
        created_at: at(0),
    };
    scope.api_key_create(&key).await.expect("key");
    let robot = Actor::ApiKey(key.id);
    let invited = invite(&scope, 61, Role::Viewer, robot)
        .await
        .expect("invited");
    assert_eq!(invited.invited_by, Some(robot));
    scope.api_key_revoke(key.id, at(1)).await.expect("revoked");
    assert_eq!(open(&scope).await, [kept]);
    let ended = accept(&world, &invited, 61).await;
    assert!(matches!(ended, Err(StoreError::NotFound)), "{ended:?}");
    refused(&invite(&scope, 62, Role::Viewer, robot).await);
    world.end().await;
}

async fn an_invitation_is_accepted_while_its_maker_may_give_the_role(world: World) {
    let scope = world.tenant(10).await;
    let other = member(&world, &scope, 20, Role::Owner).await;
    let who = Actor::Member(other);
    let owner = invite(&scope, 21, Role::Owner, who).await.expect("invited");
    let admin = invite(&scope, 22, Role::Admin, who).await.expect("invited");
    let set = async |role| {
        scope
            .member_role_set(other, role, by(first(10)))
            .await
            .expect("set")
    };
    set(Role::Admin).await;
    refused(&accept(&world, &owner, 21).await);
    accept(&world, &admin, 22).await.expect("a member");
    // It was refused, not ended.
    set(Role::Owner).await;
    accept(&world, &owner, 21).await.expect("a member");
    world.end().await;
}

async fn an_open_invitation_to_own_is_left_to_owners(world: World) {
    let scope = world.tenant(10).await;
    let admin = member(&world, &scope, 20, Role::Admin).await;
    let (owner, who) = (Actor::Member(first(10)), Actor::Member(admin));
    let invited = invite(&scope, 21, Role::Owner, owner)
        .await
        .expect("invited");
    refused(&invite(&scope, 21, Role::Viewer, who).await);
    refused(&scope.invitation_delete(invited.id, by(admin), at(1)).await);
    assert_eq!(open(&scope).await.len(), 1);
    // Once it has expired it gives nothing, and is in nobody's way.
    let late = NewInvitation {
        created_at: at(100),
        expires_at: at(200),
        ..invitation(21, Role::Viewer, who)
    };
    scope
        .invitation_put(&late, may, MANY)
        .await
        .expect("invited");
    let invited = invite(&scope, 22, Role::Owner, owner)
        .await
        .expect("invited");
    scope
        .invitation_delete(invited.id, by(first(10)), at(1))
        .await
        .expect("taken back");
    let again = scope
        .invitation_delete(invited.id, by(first(10)), at(1))
        .await;
    assert!(matches!(again, Err(StoreError::NotFound)), "{again:?}");
    world.end().await;
}

/// At the same time, too.
async fn open_invitations_are_counted(world: World) {
    let scope = world.tenant(10).await;
    let who = Actor::Member(first(10));
    let put = async |n: u32, created_at| {
        let new = NewInvitation {
            created_at,
            expires_at: at(100),
            ..invitation(n, Role::Viewer, who)
        };
        scope.invitation_put(&new, may, 2).await
    };
    put(20, at(0)).await.expect("invited");
    let (one, other) = tokio::join!(put(21, at(0)), put(22, at(0)));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let full = one.err().or(other.err());
    assert!(
        matches!(
            full,
            Some(StoreError::Conflict {
                what: "invitations"
            })
        ),
        "{full:?}"
    );
    put(20, at(1)).await.expect("in place of the earlier one");
    put(23, at(100)).await.expect("the others have expired");
    world.end().await;
}
