-- The requests of one caller in sliding windows: the rule of atelier/http/limit.
--
-- KEYS[1]  the caller's log: when his latest requests were let through, each in
--          milliseconds as 6 bytes, oldest first
-- ARGV     now in milliseconds, or '' for the server's own clock
--          '1' to let a request through, '0' only to add times
--          how many limits there are, and for each: how many requests, in how many
--          milliseconds; the longest last
--          times that the log does not have: a node let them through by itself
--
-- Answers {wait, now, left, more, left, more}: for how many milliseconds to wait (0: let
-- through), and for each limit the requests that are left and when there is one more.

local size, form = 6, '>I6'
local log = redis.call('GET', KEYS[1]) or ''
local n = #log / size
local function at(i) return (struct.unpack(form, log, i * size + 1)) end

local now = tonumber(ARGV[1])
if not now then
  local clock = redis.call('TIME')
  now = clock[1] * 1000 + math.floor(clock[2] / 1000)
end

local count = tonumber(ARGV[3])
local most, window, longest = {}, {}, 0
for i = 1, count do
  most[i], window[i] = tonumber(ARGV[2 + 2 * i]), tonumber(ARGV[3 + 2 * i])
  longest = math.max(longest, window[i])
end

local changed = false
local first = 4 + 2 * count
if #ARGV >= first then
  local times = {}
  for i = 0, n - 1 do times[#times + 1] = at(i) end
  for i = first, #ARGV do times[#times + 1] = math.min(tonumber(ARGV[i]), now) end
  table.sort(times)
  for i = 1, #times do times[i] = struct.pack(form, times[i]) end
  log, n, changed = table.concat(times), #times, true
end
if n > 0 then now = math.max(now, at(n - 1)) end

-- since counts the requests in the window that ends now.
local function since(w)
  local from, to = 0, n
  while from < to do
    local middle = math.floor((from + to) / 2)
    if now - at(middle) > w then from = middle + 1 else to = middle end
  end
  return n - from
end

local inside, wait = {}, 0
for i = 1, count do
  inside[i] = since(window[i])
  if inside[i] >= most[i] then
    wait = math.max(wait, window[i] + 1 - (now - at(n - most[i])))
  end
end

local add = ARGV[2] == '1' and wait == 0
local kept = since(longest)
if changed or (add and n > 2 * kept + 16) then
  log, n, changed = string.sub(log, (n - kept) * size + 1), kept, true
end
if add then
  local entry = struct.pack(form, now)
  log, n = log .. entry, n + 1
  if not changed then redis.call('APPEND', KEYS[1], entry) end
end
if changed then redis.call('SET', KEYS[1], log) end
if changed or add then redis.call('PEXPIRE', KEYS[1], longest + 1000) end

local answer = {wait, now}
for i = 1, count do
  local used, more = inside[i], 0
  if add then used = used + 1 end
  if used > 0 then more = window[i] + 1 - (now - at(n - math.min(used, most[i]))) end
  answer[#answer + 1] = math.max(0, most[i] - used)
  answer[#answer + 1] = more
end
return answer
