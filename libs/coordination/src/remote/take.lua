-- Takes tokens from buckets and seats in rows: from all or from none.
--
-- KEYS: the mark "since", then the buckets (hashes: level, at), then the rows of seats (sorted sets: holder, end).
-- ARGV: the time in microseconds or -1 for the server's own, how many buckets, how many rows, the holder,
--       1 if what is lost counts as full;
--       then for each bucket its capacity, inflow a minute and the tokens wanted;
--       then for each row its seats, how long a seat is held and the longest wait to name (microseconds).
-- Gives {1, whole tokens left} or {0, microseconds to wait}.
--
-- A level is counted in units of which 60,000,000 are a token, so that `inflow` of them flow in each microsecond and
-- nothing is rounded: numbers here are exact up to 2^53.
--
-- A bucket that is not there was either full when it expired, or it was lost together with everything else. The mark
-- tells them apart: it is as old as this server's memory of us. A missing bucket held one token at that time, unless
-- what is lost counts as full.

local TOKEN = 60000000
local DAY = 86400000000

local now = tonumber(ARGV[1])
local given = now >= 0
if not given then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local buckets, rows, holder, generous = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5] == '1'

local function whole(number)
  return string.format('%.0f', number)
end

local since = tonumber(redis.call('GET', KEYS[1]))
if not since or since > now then
  since = now
  redis.call('SET', KEYS[1], whole(now))
end

local wait = 0
local taken = {}
local left = 4294967295

for i = 1, buckets do
  local a = 5 + (i - 1) * 3
  local capacity, inflow, tokens = tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3])
  local full = capacity * TOKEN
  local held = redis.call('HMGET', KEYS[1 + i], 'level', 'at')
  local level, at = tonumber(held[1]), tonumber(held[2])
  if not level or not at then
    level, at = math.min(TOKEN, full), since
    if inflow == 0 or generous then
      level = full
    end
  end
  -- A clock that went back lets nothing flow.
  local came = math.max(0, now - at) * inflow
  if came >= full - level then
    level = full
  else
    level = level + came
  end
  local missing = math.min(tokens, capacity) * TOKEN - level
  if missing > 0 then
    local pause = DAY
    if inflow > 0 then
      pause = math.min(DAY, math.ceil(missing / inflow))
    end
    wait = math.max(wait, pause)
  end
  level = level - tokens * TOKEN
  taken[i] = {level, full, inflow}
  left = math.min(left, math.floor(math.max(0, level) / TOKEN))
end

for j = 1, rows do
  local a = 5 + buckets * 3 + (j - 1) * 3
  local key = KEYS[1 + buckets + j]
  redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now))
  if redis.call('ZCARD', key) >= tonumber(ARGV[a + 1]) then
    local pause = tonumber(ARGV[a + 3])
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if first[2] then
      pause = math.min(pause, tonumber(first[2]) - now)
    end
    wait = math.max(wait, pause)
  end
end

if wait > 0 then
  return {0, wait}
end

for i = 1, buckets do
  local level, full, inflow = taken[i][1], taken[i][2], taken[i][3]
  local key = KEYS[1 + i]
  redis.call('HSET', key, 'level', whole(level), 'at', whole(now))
  if inflow > 0 and not given then
    -- Full by then, also by the rule for missing buckets.
    redis.call('PEXPIRE', key, whole(math.ceil((full - level) / inflow / 1000) + 1000))
  end
end
for j = 1, rows do
  local a = 5 + buckets * 3 + (j - 1) * 3
  local key, hold = KEYS[1 + buckets + j], tonumber(ARGV[a + 2])
  redis.call('ZADD', key, whole(now + hold), holder)
  if not given then
    redis.call('PEXPIRE', key, whole(math.ceil(hold / 1000) + 1000))
  end
end
return {1, left}
