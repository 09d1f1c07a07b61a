using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace LeadPipeline.Integration.Tests;

/// <summary>
/// The two promises, looked up in the tables by someone who shares no code with the worker: no lead that was accepted is lost, and no CRM
/// effect happens twice. Every broken one is told in a sentence.
/// </summary>
internal static class Promises
{
    private static readonly (string Table, string[] Tools)[] Created =
    [
        ("crm_tasks", ["create_task", "create_follow_up"]), ("crm_activities", ["log_activity"]), ("crm_notes", ["add_note"]),
        ("crm_opportunities", ["create_opportunity"]), ("crm_campaign_members", ["attach_campaign"]),
    ];

    private static readonly (string Decision, string[] Tools)[] OncePerLead =
    [
        ("ROUTE_TO_SDR", ["log_activity", "create_task"]), ("NURTURE", ["log_activity", "create_follow_up"]), ("IGNORE", ["log_activity", "add_note"]),
    ];

    public static async Task<IReadOnlyList<string>> BrokenAsync(TestDatabase database, IEnumerable<Guid> accepted)
    {
        await using var connection = await database.ConnectAsync();
        return await BrokenAsync(connection, accepted);
    }

    public static async Task<IReadOnlyList<string>> BrokenAsync(string folder, IEnumerable<Guid> accepted)
    {
        await using var connection = Sqlite(folder);
        await connection.OpenAsync();
        return await BrokenAsync(connection, accepted);
    }

    /// <summary>How many leads ended with each decision, or with each status where there is none; to see that a test had something to do.</summary>
    public static async Task<IReadOnlyDictionary<string, int>> OutcomesAsync(TestDatabase database)
    {
        await using var connection = await database.ConnectAsync();
        return await OutcomesAsync(connection);
    }

    public static async Task<IReadOnlyDictionary<string, int>> OutcomesAsync(string folder)
    {
        await using var connection = Sqlite(folder);
        await connection.OpenAsync();
        return await OutcomesAsync(connection);
    }

    private static SqliteConnection Sqlite(string folder) => new($"Data Source={Path.Combine(folder, "leadpipeline.db")};Mode=ReadOnly;Pooling=False;Default Timeout=20");

    private static async Task<IReadOnlyDictionary<string, int>> OutcomesAsync(DbConnection connection) =>
        (await connection.RowsAsync("SELECT CASE WHEN l.status = 'Completed' THEN r.decision ELSE l.status END, COUNT(*) FROM leads l LEFT JOIN lead_runs r ON r.lead_id = l.id AND r.run = l.run GROUP BY 1"))
            .ToDictionary(r => r[0]!, r => int.Parse(r[1]!, CultureInfo.InvariantCulture));

    private static async Task<IReadOnlyList<string>> BrokenAsync(DbConnection connection, IEnumerable<Guid> accepted)
    {
        var broken = new List<string>();
        var leads = (await connection.RowsAsync("SELECT id, status, pending, record_key FROM leads")).ToDictionary(r => Guid.Parse(r[0]!));
        var aliases = (await connection.RowsAsync("SELECT alias_id, lead_id FROM lead_aliases")).ToDictionary(r => Guid.Parse(r[0]!), r => Guid.Parse(r[1]!));
        var decisions = (await connection.RowsAsync("SELECT lead_id, decision FROM lead_runs")).ToDictionary(r => Guid.Parse(r[0]!), r => r[1]);
        var effects = await connection.RowsAsync("SELECT effect_key, lead_id, step, tool, state FROM effects");

        broken.AddRange(accepted.Distinct().Where(id => !leads.ContainsKey(aliases.GetValueOrDefault(id, id))).Select(id => $"lead {id} was accepted and is gone"));
        broken.AddRange(leads.Values.Where(l => l[2] is not null).Select(l => $"lead {l[0]} is still {l[1]}, pending {l[2]}"));
        broken.AddRange(effects.Where(e => e[4] is "planned" or "sent" or "unknown").Select(e => $"step {e[2]} of lead {e[1]} ended as {e[4]}"));

        foreach (var (table, tools) in Created)
        {
            var records = await connection.RowsAsync($"SELECT effect_key, id FROM {table} WHERE effect_key IS NOT NULL AND effect_key NOT LIKE '%/undo'");
            var confirmed = effects.Where(e => tools.Contains(e[3]) && e[4] == "confirmed").Select(e => e[0]!).ToHashSet();
            broken.AddRange(records.Where(r => !confirmed.Contains(r[0]!)).Select(r => $"{table} {r[1]} belongs to no confirmed step"));
            broken.AddRange(confirmed.Except(records.Select(r => r[0]!)).Select(key => $"{table} has no record of the confirmed step {key}"));
            broken.AddRange(records.GroupBy(r => r[0]).Where(g => g.Count() > 1).Select(g => $"{table} has {g.Count()} records of one step"));
        }

        foreach (var (id, lead) in leads.Where(l => l.Value[1] == "Completed"))
        {
            foreach (var tool in OncePerLead.Single(d => d.Decision == decisions[id]).Tools)
            {
                var times = effects.Count(e => Guid.Parse(e[1]!) == id && e[3] == tool && e[4] == "confirmed");
                if (times != 1)
                    broken.Add($"{tool} was confirmed {times} times for lead {id}");
            }
        }

        var people = await connection.RowsAsync("SELECT record_key, fields FROM crm_leads WHERE removed_at IS NULL");
        broken.AddRange(people.GroupBy(p => JsonDocument.Parse(p[1]!).RootElement.GetProperty("email").GetString()).Where(g => g.Count() > 1).Select(g => $"{g.Count()} CRM leads of one person"));
        var worked = leads.Values.Where(l => l[1] == "Completed").Select(l => l[3]).ToHashSet();
        if (!worked.SetEquals(people.Select(p => p[0])))
            broken.Add($"{worked.Count} people were worked into the CRM, and it has {people.Count}");
        return broken;
    }
}
