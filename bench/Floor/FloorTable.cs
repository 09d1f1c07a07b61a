using System.Data.Common;
using LeadPipeline.TestKit;
using Npgsql;
using NpgsqlTypes;

namespace LeadPipeline.Bench.Floor;

/// <summary>What a cell becomes in the copy of a lead.</summary>
internal enum CellKind { Same, Lead, NewId, EffectKey, UniqueText, CrmId, Now }

/// <summary>A table that the worker writes, with the rows that each of some leads came to, and a way to write such rows for another lead.</summary>
internal sealed class FloorTable
{
    private static readonly string[] OfLeads = ["leads", "lead_runs", "effects", "shared_records", "audit_events", "intake_keys", "crm_sync_logs"];

    // Parents first: links are foreign keys.
    private static readonly string[] OfCrm = ["crm_accounts", "crm_leads", "crm_contacts", "crm_opportunities", "crm_tasks", "crm_activities", "crm_notes", "crm_campaign_members"];

    private readonly string copy;
    private readonly (CellKind Kind, NpgsqlDbType Type)[] columns;
    private readonly ILookup<Guid, object?[]> rows;

    private FloorTable(string name, IReadOnlyList<DbColumn> columns, IEnumerable<(Guid Lead, object?[] Row)> rows)
    {
        Name = name;
        copy = $"COPY {name} ({string.Join(", ", columns.Select(c => c.ColumnName))}) FROM STDIN (FORMAT BINARY)";
        this.columns = [.. columns.Select(c => (KindOf(name, c.ColumnName, c.DataTypeName!), TypeOf(c.DataTypeName!)))];
        this.rows = rows.ToLookup(r => r.Lead, r => r.Row);
    }

    public string Name { get; }

    /// <summary>Reads all tables' rows of some leads.</summary>
    public static async Task<IReadOnlyList<FloorTable>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<Guid> leads)
    {
        var tables = new List<FloorTable>();
        foreach (var name in OfLeads.Concat(OfCrm))
        {
            // A record of the CRM is the lead's whose effect made it.
            var lead = name.StartsWith("crm_", StringComparison.Ordinal) && name != "crm_sync_logs" ? "left(effect_key, 32)::uuid" : name == "leads" ? "id" : "lead_id";
            await using var command = new NpgsqlCommand($"SELECT *, {lead} FROM {name} WHERE {lead} = ANY(@leads)", connection) { Parameters = { new("leads", leads.ToArray()) } };
            await using var reader = await command.ExecuteReaderAsync();
            var columns = await reader.GetColumnSchemaAsync();
            var rows = new List<(Guid, object?[])>();
            while (await reader.ReadAsync())
            {
                var values = new object?[columns.Count];
                for (var c = 0; c < values.Length; c++)
                    values[c] = reader.IsDBNull(c) ? null : reader.GetValue(c);
                rows.Add(((Guid)values[^1]!, values[..^1]));
            }
            tables.Add(new FloorTable(name, [.. columns.SkipLast(1)], rows));
        }
        return tables;
    }

    /// <summary>The rows of a lead that was read.</summary>
    public IEnumerable<object?[]> Rows(Guid lead) => rows[lead];

    /// <summary>The ids of the CRM's records that this lead made.</summary>
    public IEnumerable<string> CrmIds(Guid lead) => OfCrm.Contains(Name) ? rows[lead].Select(r => (string)r[0]!) : [];

    /// <summary>Writes the rows of some leads again as those of new ones.</summary>
    public void Write(NpgsqlConnection connection, IReadOnlyList<FloorLead> leads, DateTime now)
    {
        if (!leads.Any(l => rows.Contains(l.Template)))
            return;
        using var importer = connection.BeginBinaryImport(copy);
        foreach (var lead in leads)
        {
            foreach (var row in rows[lead.Template])
            {
                importer.StartRow();
                for (var c = 0; c < columns.Length; c++)
                    Write(importer, row[c], columns[c], lead, now);
            }
        }
        _ = importer.Complete();
    }

    private static void Write(NpgsqlBinaryImporter importer, object? value, (CellKind Kind, NpgsqlDbType Type) column, FloorLead lead, DateTime now)
    {
        switch (value)
        {
            case null:
                importer.WriteNull();
                break;
            case Guid id:
                importer.Write(column.Kind switch { CellKind.Lead => lead.Id, CellKind.NewId => Guid.NewGuid(), _ => id }, NpgsqlDbType.Uuid);
                break;
            case string text:
                importer.Write(column.Kind switch
                {
                    CellKind.EffectKey => string.Concat(lead.Key, text.AsSpan(32)),
                    CellKind.UniqueText => string.Concat(lead.Key, text.AsSpan(Math.Min(32, text.Length))),
                    CellKind.CrmId => lead.Records.GetValueOrDefault(text, text),
                    _ => text,
                }, NpgsqlDbType.Text);
                break;
            case DateTime at:
                importer.Write(column.Kind == CellKind.Now ? now : at, NpgsqlDbType.TimestampTz);
                break;
            case int number:
                importer.Write(number, NpgsqlDbType.Integer);
                break;
            case bool flag:
                importer.Write(flag, NpgsqlDbType.Boolean);
                break;
            case byte[] bytes:
                importer.Write(bytes, NpgsqlDbType.Bytea);
                break;
            default:
                throw new InvalidOperationException($"No column is of type {value.GetType().Name}.");
        }
    }

    private static CellKind KindOf(string table, string column, string type) => (type, column) switch
    {
        ("uuid", "lead_id") or ("uuid", "id") when column == "lead_id" || table == "leads" => CellKind.Lead,
        ("uuid", "id") => CellKind.NewId,
        ("text", "effect_key") => CellKind.EffectKey,
        ("text", "record_key" or "key") => CellKind.UniqueText,
        ("text", "id" or "lead_id" or "account_id" or "opportunity_id" or "record_id") => CellKind.CrmId,
        ("timestamp with time zone", _) => CellKind.Now,
        _ => CellKind.Same,
    };

    private static NpgsqlDbType TypeOf(string type) => type switch
    {
        "uuid" => NpgsqlDbType.Uuid,
        "text" => NpgsqlDbType.Text,
        "integer" => NpgsqlDbType.Integer,
        "boolean" => NpgsqlDbType.Boolean,
        "bytea" => NpgsqlDbType.Bytea,
        "timestamp with time zone" => NpgsqlDbType.TimestampTz,
        _ => throw new InvalidOperationException($"No column is of type {type}."),
    };
}

/// <summary>A lead to be written: new ids for all that one which was read came to.</summary>
/// <param name="Template">The lead that was read.</param>
/// <param name="Id">The new lead's id.</param>
/// <param name="Records">The new ids of the records that the one made in the CRM.</param>
internal sealed record FloorLead(Guid Template, Guid Id, IReadOnlyDictionary<string, string> Records)
{
    /// <summary>The id without dashes, as effect keys begin.</summary>
    public string Key { get; } = Id.ToString("N");
}
