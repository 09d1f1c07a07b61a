using System.Globalization;
using LeadPipeline.TestKit.Simulators.HubSpot;

namespace LeadPipeline.Chaos.Tests;

/// <summary>
/// The two promises, judged by someone who shares no code with the worker: by what the CRM has counted itself, by the tables, and by what is left in the
/// queues. Every broken promise is a sentence.
/// </summary>
/// <param name="state">Where the worker's state is.</param>
/// <param name="crm">The CRM.</param>
/// <param name="forgot">Whether the database was brought back from a backup: then a step may find as wanted what it did itself before.</param>
internal sealed class ChaosOracle(ServedState state, HubSpotSimulator crm, bool forgot = false)
{
    private const string Undo = "/undo";

    /// <summary>Tools of which every confirmed step is a record of its own.</summary>
    private static readonly HashSet<string> Makers = ["create_task", "create_follow_up", "log_activity", "add_note", "create_opportunity"];

    /// <summary>Tools that are part of each lead's plan by its decision, once.</summary>
    private static readonly Dictionary<string, string[]> OncePerLead = new()
    {
        ["ROUTE_TO_SDR"] = ["upsert_lead", "log_activity", "create_task"],
        ["NURTURE"] = ["upsert_lead", "log_activity", "create_follow_up"],
        ["IGNORE"] = ["upsert_lead", "log_activity", "add_note"],
    };

    /// <summary>What a lead may wait for a person for. Anything else is not explained by what was done to it.</summary>
    private static readonly HashSet<string> Explained = ["model-blocked", "compensation-incomplete"];

    /// <summary>Whether all has been done that will be.</summary>
    public async Task<bool> IsQuietAsync(int accepted) =>
        (await RowsAsync("SELECT COUNT(*) FROM leads WHERE pending IS NOT NULL OR audit_published < audit_seq"))[0][0] == "0"
        && long.Parse((await RowsAsync("SELECT (SELECT COUNT(*) FROM leads) + (SELECT COUNT(*) FROM lead_aliases)"))[0][0]!, CultureInfo.InvariantCulture) >= accepted
        && (await state.LeftOverAsync()).Count == 0;

    /// <summary>What is still outstanding, in words.</summary>
    public async Task<string> OutstandingAsync() => string.Join(", ",
        (await RowsAsync("""
            SELECT COUNT(*) || ' ' || status || COALESCE(' ' || pending, ' unpublished') || COALESCE(' for ' || reason, '') || COALESCE(' held by worker ' || owner, '')
                || ' due in ' || COALESCE(ROUND(MIN(EXTRACT(EPOCH FROM due_at - now())))::text, '-') || ' s, looked at in ' || ROUND(MIN(EXTRACT(EPOCH FROM sweep_at - now()))) || ' s'
            FROM leads WHERE pending IS NOT NULL OR audit_published < audit_seq GROUP BY status, pending, reason, owner
            """)).Select(r => r[0]).Concat(await state.LeftOverAsync()));

    /// <summary>How many leads ended how.</summary>
    public async Task<IReadOnlyDictionary<string, int>> OutcomesAsync() =>
        (await RowsAsync("SELECT CASE WHEN l.status = 'Completed' THEN 'Completed ' || COALESCE(r.decision, '-') WHEN l.reason IS NULL THEN l.status ELSE l.status || ' (' || l.reason || ')' END, COUNT(*) FROM leads l LEFT JOIN lead_runs r ON r.lead_id = l.id AND r.run = l.run GROUP BY 1 ORDER BY 1"))
            .ToDictionary(r => r[0]!, r => int.Parse(r[1]!, CultureInfo.InvariantCulture));

    /// <summary>Effects as the CRM and the ledger count them.</summary>
    public async Task<ChaosEffects> EffectsAsync()
    {
        var states = (await RowsAsync("SELECT state, COUNT(*) FROM effects GROUP BY 1")).ToDictionary(r => r[0]!, r => int.Parse(r[1]!, CultureInfo.InvariantCulture));
        var resolved = int.Parse((await RowsAsync("SELECT COUNT(*) FROM audit_events WHERE stage = 'tool' AND kind = 'resolved'"))[0][0]!, CultureInfo.InvariantCulture);
        var made = crm.Effects;
        return new ChaosEffects(made.Keys.Count(k => !k.EndsWith(Undo, StringComparison.Ordinal)), made.Values.Count(n => n > 1), states.GetValueOrDefault("confirmed"), states.GetValueOrDefault("compensated"),
            made.Keys.Count(k => k.EndsWith(Undo, StringComparison.Ordinal)), resolved);
    }

    /// <summary>What is not as it was promised.</summary>
    public async Task<IReadOnlyList<string>> BrokenAsync(IReadOnlyCollection<Guid> accepted)
    {
        var leads = (await RowsAsync("SELECT id, status, pending, reason, owner, (SELECT p.record_key FROM people_in_hand p WHERE p.lead_id = l.id), audit_published, audit_seq, record_key, run FROM leads l")).ToDictionary(r => Guid.Parse(r[0]!));
        var aliases = (await RowsAsync("SELECT alias_id, lead_id FROM lead_aliases")).ToDictionary(r => Guid.Parse(r[0]!), r => Guid.Parse(r[1]!));
        var effects = (await RowsAsync("SELECT effect_key, lead_id, step, tool, state, run FROM effects")).ToDictionary(r => r[0]!);
        var decisions = (await RowsAsync("SELECT r.lead_id, r.decision FROM lead_runs r JOIN leads l ON l.id = r.lead_id AND l.run = r.run")).ToDictionary(r => Guid.Parse(r[0]!), r => r[1]);
        return
        [
            .. accepted.Where(id => !leads.ContainsKey(aliases.GetValueOrDefault(id, id))).Select(id => $"lead {id} was accepted and is gone"),
            .. leads.Values.SelectMany(Lead),
            .. effects.Values.SelectMany(e => Step(e, leads[Guid.Parse(e[1]!)][1]!)),
            .. Counted(effects),
            .. OncePer(leads, effects, decisions),
            .. People(leads),
            .. (await LeftForGoodAsync()).Select(q => $"messages are left in {q}"),
            .. (await RowsAsync("SELECT fingerprint, COUNT(*) FROM dead_letters GROUP BY 1")).Select(d => $"{d[1]} dead letters: {d[0]}"),
            .. await AuditAsync(leads.Count),
        ];
    }

    private static IEnumerable<string> Lead(string?[] lead)
    {
        if (lead[2] is not null)
            yield return $"lead {lead[0]} is still {lead[1]}, pending {lead[2]} ({lead[3]})";
        if (lead[4] is not null || lead[5] is not null)
            yield return $"lead {lead[0]} is {lead[1]} and still held by worker {lead[4]}";
        if (lead[6] != lead[7])
            yield return $"of lead {lead[0]} {lead[6]} of {lead[7]} events are published";
        if (lead[1] == "NeedsReview" && !Explained.Contains(lead[3] ?? ""))
            yield return $"lead {lead[0]} waits for a person: {lead[3]}";
    }

    private static IEnumerable<string> Step(string?[] effect, string status)
    {
        var allowed = status switch
        {
            "Completed" => (string[])["confirmed", "unchanged", "skipped"],
            "Compensated" => ["compensated", "not_needed", "failed", "skipped"],
            _ => ["confirmed", "unchanged", "skipped", "compensated", "not_needed", "cannot_compensate", "compensation_failed", "failed"],
        };
        if (!allowed.Contains(effect[4]))
            yield return $"step {effect[2]} of lead {effect[1]}, which is {status}, is {effect[4]}";
    }

    /// <summary>The CRM's own count against the ledger: both ways, since one may lack what the other has.</summary>
    private IEnumerable<string> Counted(Dictionary<string, string?[]> effects)
    {
        var made = crm.Effects;
        var live = ((string[])["contacts", "companies", "deals", "tasks", "notes"]).SelectMany(t => crm.All(t)).Select(r => r.Properties.GetValueOrDefault("leadpipeline_effect")).OfType<string>().ToHashSet();
        foreach (var (key, times) in made)
        {
            var undoes = key.EndsWith(Undo, StringComparison.Ordinal);
            if (times != 1)
                yield return $"the CRM made {times} records with the key {key}";
            if (!effects.TryGetValue(undoes ? key[..^Undo.Length] : key, out var step))
                yield return $"the CRM has a record with the key {key}, and no step knows of it";
            else if (forgot && step[4] == "unchanged")
                continue;
            // Who dies between taking a record back and writing that down leaves a successor who finds nothing to take back.
            else if (!undoes && step[4] == "not_needed" && !live.Contains(key))
                continue;
            else if (undoes ? step[4] != "compensated" : step[4] is not ("confirmed" or "compensated" or "cannot_compensate" or "compensation_failed"))
                yield return $"the CRM has a record with the key {key}, and the ledger says {step[4]}";
        }
        foreach (var effect in effects.Values.Where(e => Makers.Contains(e[3]!)))
        {
            if (effect[4] is "confirmed" or "compensated" && !made.ContainsKey(effect[0]!))
                yield return $"step {effect[2]} of lead {effect[1]} is {effect[4]}, and the CRM never made a record of it";
            if (effect[4] == "compensated" && effect[3] is "log_activity" or "add_note" && !made.ContainsKey(effect[0] + Undo))
                yield return $"step {effect[2]} of lead {effect[1]} is undone, and the CRM has no correction of it";
        }
        foreach (var effect in effects.Values.Where(e => e[4] == "confirmed" && Makers.Contains(e[3]!) && !live.Contains(e[0]!)))
            yield return $"step {effect[2]} of lead {effect[1]} is confirmed, and its record is gone from the CRM";
        foreach (var effect in effects.Values.Where(e => e[4] == "compensated" && e[3] is "upsert_lead" or "create_opportunity" && live.Contains(e[0]!)))
            yield return $"step {effect[2]} of lead {effect[1]} is undone, and its record is still in the CRM";
    }

    private static IEnumerable<string> OncePer(Dictionary<Guid, string?[]> leads, Dictionary<string, string?[]> effects, Dictionary<Guid, string?> decisions)
    {
        var byLead = effects.Values.ToLookup(e => Guid.Parse(e[1]!));
        foreach (var (id, _) in leads.Where(l => l.Value[1] == "Completed"))
        {
            foreach (var tool in OncePerLead[decisions[id]!])
            {
                if (byLead[id].Count(e => e[3] == tool && e[4] is "confirmed" or "unchanged") is not 1 and var times)
                    yield return $"{tool} was done {times} times for lead {id}";
            }
        }
    }

    private IEnumerable<string> People(Dictionary<Guid, string?[]> leads)
    {
        var contacts = crm.All("contacts");
        foreach (var twice in contacts.GroupBy(c => c.Properties.GetValueOrDefault("email")).Where(g => g.Count() > 1))
            yield return $"{twice.Count()} contacts of one person";
        foreach (var twice in crm.All("companies").GroupBy(c => c.Properties.GetValueOrDefault("domain")).Where(g => g.Key is not null && g.Count() > 1))
            yield return $"{twice.Count()} companies with one domain";
        var worked = leads.Values.Where(l => l[1] == "Completed").Select(l => l[8]).ToHashSet();
        var leftBehind = leads.Values.Where(l => l[3] == "compensation-incomplete").Select(l => l[8]).Where(k => !worked.Contains(k)).Distinct().Count();
        if (contacts.Count < worked.Count || contacts.Count > worked.Count + leftBehind)
            yield return $"{worked.Count} people were worked into the CRM, {leftBehind} could not be withdrawn, and it has {contacts.Count}";
    }

    private async Task<IReadOnlyList<string>> AuditAsync(int leads)
    {
        var (code, verified) = await Cli.JsonAsync(["audit", "verify", "--json"], state.Folder.Path, state.Settings());
        return code == 0 && verified!["leads"]!.GetValue<int>() == leads && verified["problems"]!.AsArray().Count == 0
            ? []
            : [$"audit verify ended with {code}: {verified?.ToJsonString()}"];
    }

    /// <summary>What is left in the queues. The broker's figures are late: what was nothing a moment ago may be something in the next, and then nothing.</summary>
    private async Task<IReadOnlyList<string>> LeftForGoodAsync()
    {
        IReadOnlyList<string> left = [];
        try
        {
            await Eventually.ShouldAsync(async () => (left = await state.LeftOverAsync()).Count == 0, "leave no message behind", TimeSpan.FromSeconds(60));
        }
        catch (TimeoutException)
        {
        }
        return left;
    }

    private Task<IReadOnlyList<string?[]>> RowsAsync(string sql) => state.Database.RowsAsync(sql);
}
