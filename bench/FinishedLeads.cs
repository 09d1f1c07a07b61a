using System.Diagnostics;
using System.Globalization;
using LeadPipeline.TestKit;
using Npgsql;

namespace LeadPipeline.Bench;

/// <summary>
/// A database in which many leads have ended already: copies of the leads of a warm-up, with new ids, in all tables. The sealed documents of their runs are cut short:
/// they lie outside of the rows, and nobody reads those of a lead that has ended.
/// </summary>
internal static class FinishedLeads
{
    private const int Together = 20;

    private static readonly string[] Tables =
        ["leads", "lead_runs", "effects", "shared_records", "audit_events", "intake_keys", "crm_sync_logs", "crm_accounts", "crm_leads", "crm_contacts", "crm_opportunities", "crm_tasks", "crm_activities", "crm_notes", "crm_campaign_members"];

    /// <summary>Makes the place, and fills it; takes minutes for a million.</summary>
    public static async Task<Place> FillAsync(BenchOptions options)
    {
        var watch = Stopwatch.StartNew();
        var place = await Place.CreateAsync(isFilled: true);
        try
        {
            var warmUp = options with { Leads = 1, ModelDelay = 0, CrmDelay = 0, Rate = 0, WarmUp = Math.Min(1000, options.Finished) };
            await using (var workers = await Consumers.WorkersAsync(warmUp, place, 1))
                await new BrokerRun(warmUp, place, workers).WarmUpAsync(0);
            await CopyAsync(place.Database, (options.Finished + warmUp.WarmUp - 1) / warmUp.WarmUp);
            var leads = await place.Database.QueryAsync<long>("SELECT count(*) FROM leads");
            var bytes = await place.Database.QueryAsync<long>("SELECT pg_database_size(current_database())");
            await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"filled with {leads} finished leads, {bytes / 1e9:0.0} GB, in {watch.Elapsed.TotalSeconds:0} s"));
            return place;
        }
        catch
        {
            await place.DisposeAsync();
            throw;
        }
    }

    private static async Task CopyAsync(TestDatabase database, int copies)
    {
        await using var connection = await database.ConnectAsync();
        // Links of copies lead to copies, which may come later or be the warm-up's: nothing follows them.
        await RunAsync("SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '512MB'");
        // Built at the end, in order: row by row they would be read and written over and over.
        var again = new List<string>();
        foreach (var (drop, make) in await DefinitionsAsync(connection))
        {
            await RunAsync(drop);
            again.Insert(0, make);
        }
        foreach (var table in Tables)
        {
            await RunAsync($"ALTER TABLE {table} SET (autovacuum_enabled = false); CREATE TEMP TABLE source AS SELECT * FROM {table} WHERE {Sources(table)}");
            var columns = await ColumnsAsync(connection, table);
            for (var from = 1; from < copies; from += Together)
            {
                await RunAsync(
                    $"INSERT INTO {table} ({string.Join(", ", columns.Select(c => c.Name))}) SELECT {string.Join(", ", columns.Select(c => Copied(table, c.Name, c.Type)))} FROM source s, generate_series({from}, {Math.Min(from + Together, copies) - 1}) AS g");
            }
            await RunAsync("DROP TABLE source");
        }
        foreach (var make in again)
            await RunAsync(make);
        await RunAsync("VACUUM (ANALYZE)");
        foreach (var table in Tables)
            await RunAsync($"ALTER TABLE {table} RESET (autovacuum_enabled)");
        await RunAsync("CHECKPOINT");

        async Task RunAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            _ = await command.ExecuteNonQueryAsync();
        }
    }

    /// <summary>The records of the CRM that leads have made; all rows of the other tables.</summary>
    private static string Sources(string table) => table.StartsWith("crm_", StringComparison.Ordinal) && table != "crm_sync_logs" ? "effect_key IS NOT NULL" : "true";

    private static string Copied(string table, string column, string type) => (type, column) switch
    {
        ("uuid", _) => $"md5(s.{column}::text || g)::uuid",
        ("timestamp with time zone", _) => $"s.{column} - g * interval '1 minute'",
        ("bytea", _) when table == "lead_runs" => $"substr(s.{column}, 1, 64)",
        // It begins with the lead's id, without dashes.
        ("text", "effect_key") => "md5(left(s.effect_key, 32)::uuid::text || g) || substr(s.effect_key, 33)",
        // Other people, other companies.
        ("text", "record_key" or "key" or "lookup") => $"md5(s.{column} || g)",
        ("text", "name_key") => "left(md5(s.name_key || g), 4)",
        ("text", "id" or "lead_id" or "account_id" or "opportunity_id") => $"left(s.{column}, 3) || left(md5(s.{column} || g), 15)",
        _ => $"s.{column}",
    };

    private static async Task<List<(string Drop, string Make)>> DefinitionsAsync(NpgsqlConnection connection)
    {
        var found = new List<(string, string)>();
        // Links before the keys that they lead to. What links there are is not looked at again.
        await using var command = new NpgsqlCommand(
            """
            SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname),
                   format('ALTER TABLE %s ADD CONSTRAINT %I %s%s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid), CASE c.contype WHEN 'f' THEN ' NOT VALID' ELSE '' END),
                   CASE c.contype WHEN 'f' THEN 1 ELSE 3 END
            FROM pg_constraint c WHERE c.conrelid::regclass::text = ANY(@tables) AND c.contype IN ('f', 'p')
            UNION ALL
            SELECT format('DROP INDEX %I', i.relname), pg_get_indexdef(i.oid), 2
            FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid::regclass::text = ANY(@tables) AND NOT x.indisprimary
            ORDER BY 3
            """, connection)
        { Parameters = { new("tables", Tables) } };
        await using var rows = await command.ExecuteReaderAsync();
        while (await rows.ReadAsync())
            found.Add((rows.GetString(0), rows.GetString(1)));
        return found;
    }

    private static async Task<List<(string Name, string Type)>> ColumnsAsync(NpgsqlConnection connection, string table)
    {
        var found = new List<(string, string)>();
        await using var command = new NpgsqlCommand("SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' AND table_name = @table ORDER BY ordinal_position", connection) { Parameters = { new("table", table) } };
        await using var rows = await command.ExecuteReaderAsync();
        while (await rows.ReadAsync())
            found.Add((rows.GetString(0), rows.GetString(1)));
        return found;
    }
}
