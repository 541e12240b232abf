/** What `policy init` writes: it works as it is, and says what each part is for. */
export const STARTER = `# Who may use which model, how fast, and for how much. Closed by default: what no rule allows is refused.
# Check it with "gatehouse policy check", see what it would change with "policy diff", put it in force with "policy apply".

# Days, weeks and months of budgets begin in this time zone.
time_zone: UTC

# "observe" records what would be refused and refuses nothing: a way to begin. Then write "enforce".
mode: enforce

# A team that is named anywhere must stand here. Members are added to those whom the directory puts in it.
# teams:
#   payments: { members: [ada@example.com, service payments-ci], cost_center: CC-1201 }

models:
  # Names for several models, for use below. A star stands for any run of characters.
  aliases: { everyday: [claude-sonnet-*, claude-haiku-*] }

# Any matching deny wins, then ask (an approval is needed: "gatehouse grants add"), then allow, whatever the order.
access:
  - { allow: everyday, to: everyone }
  - { ask: claude-opus-*, to: everyone, because: "dearer: say what it is for" }
  # - { deny: claude-opus-*, to: service payments-ci, until: 2027-06-30, because: "pipelines need no Opus" }

# What the provider may run or fetch itself (web_search, web_fetch, code_execution, …): closed unless named.
# server_side:
#   - { allow: web_search, to: everyone, max_uses: 5 }

rates:
  - { each: person, requests: 60/min, concurrent: 12 }
  - { each: service, requests: 600/min, concurrent: 40 }

# strict: never passed. estimate (unless written): an answer may run over by a bounded amount. warn: told at these marks.
budgets:
  - { for: organization, limit: 1000 USD/month, hold: strict }
  - { each: person, limit: 100 USD/month, warn: [50%, 80%, 95%], when_spent: "Ask your platform team." }
  - { each: service, limit: 100 USD/month, hold: strict }
`;
