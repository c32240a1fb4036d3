//! API credits per rolling 24 hours. Unlimited unless an administrator of the sandbox says otherwise.

use super::errors::Refusal;
use super::org::Org;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Spends credits; answers how many are left once half of them are gone, as the header tells.
pub fn charge(org: &mut Org, cost: u32, now_ms: i64) -> Result<Option<u32>, Refusal> {
    let Some(allowed) = org.knobs.daily_credits else {
        return Ok(None);
    };
    while org
        .spent
        .front()
        .is_some_and(|(at, _)| now_ms - at >= DAY_MS)
    {
        org.spent.pop_front();
    }
    let spent: u32 = org.spent.iter().map(|(_, amount)| amount).sum();
    if spent.saturating_add(cost) > allowed {
        return Err(Refusal::too_many(
            "You have reached the maximum number of API calls",
        ));
    }
    org.spent.push_back((now_ms, cost));
    let left = allowed - spent - cost;
    Ok((left <= allowed / 2).then_some(left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoho::testing;

    #[test]
    fn credits_come_back_after_a_day() {
        let mut org = testing::org();
        assert_eq!(charge(&mut org, 1000, 0), Ok(None));
        org.knobs.daily_credits = Some(10);
        let mut check = |cost: u32, now: i64, expect: Option<Option<u32>>| {
            assert_eq!(charge(&mut org, cost, now).ok(), expect, "{cost} {now}");
        };
        check(4, 0, Some(None));
        check(3, 1, Some(Some(3)));
        check(4, 2, None);
        check(3, 3, Some(Some(0)));
        check(4, DAY_MS, Some(Some(0)));
        check(1, DAY_MS, None);
    }
}
