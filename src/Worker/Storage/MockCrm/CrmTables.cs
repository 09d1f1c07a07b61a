using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Tools;
using LeadPipeline.Worker.Storage.Sql;
using static LeadPipeline.Worker.Storage.Sql.ColumnType;

namespace LeadPipeline.Worker.Storage.MockCrm;

/// <summary>One record of the mock CRM as it is stored: links in columns of their own, everything else as JSON.</summary>
internal sealed class CrmRow
{
    public required CrmObject Object { get; init; }
    public required string Id { get; set; }
    public string? RecordKey { get; set; }
    public string? EffectKey { get; init; }
    public required Dictionary<string, string> Fields { get; set; }
    public int Version { get; set; } = 1;
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; set; }
    public DateTimeOffset? RemovedAt { get; set; }

    public CrmRow Copy() => new()
    {
        Object = Object,
        Id = Id,
        RecordKey = RecordKey,
        EffectKey = EffectKey,
        Fields = new(Fields),
        Version = Version,
        CreatedAt = CreatedAt,
        UpdatedAt = UpdatedAt,
        RemovedAt = RemovedAt,
    };

    public CrmRecord ToRecord() =>
        new(Object, Id, Fields, Version.ToString(CultureInfo.InvariantCulture), EffectKey, RecordKey);
}

/// <summary>The tables of the mock CRM, all of one shape.</summary>
internal static class CrmTables
{
    /// <summary>Parents before children, since links are foreign keys.</summary>
    public static readonly IReadOnlyList<CrmObject> InOrder =
    [
        CrmObject.User, CrmObject.Campaign, CrmObject.Account, CrmObject.Lead, CrmObject.Contact, CrmObject.Opportunity,
        CrmObject.Task, CrmObject.Activity, CrmObject.Note, CrmObject.CampaignMember,
    ];

    private const string Columns = "id, record_key, effect_key, lead_id, account_id, opportunity_id, campaign_id, fields, version, created_at, updated_at";

    private static readonly Dictionary<CrmObject, string> Names = new()
    {
        [CrmObject.User] = "crm_users",
        [CrmObject.Campaign] = "crm_campaigns",
        [CrmObject.Account] = "crm_accounts",
        [CrmObject.Lead] = "crm_leads",
        [CrmObject.Contact] = "crm_contacts",
        [CrmObject.Opportunity] = "crm_opportunities",
        [CrmObject.Task] = "crm_tasks",
        [CrmObject.Activity] = "crm_activities",
        [CrmObject.Note] = "crm_notes",
        [CrmObject.CampaignMember] = "crm_campaign_members",
    };

    private static readonly Dictionary<CrmObject, BulkInsert> Inserts = Names.ToDictionary(n => n.Key, n => new BulkInsert(n.Value, "id",
        new("id", Text), new("record_key", Text), new("effect_key", Text), new("lookup", Text), new("name_key", Text),
        new("lead_id", Text), new("account_id", Text), new("opportunity_id", Text), new("campaign_id", Text),
        new("fields", Text), new("version", Int), new("created_at", Time), new("updated_at", Time)));

    private static readonly Dictionary<CrmObject, BulkUpdate> Updates = Names.ToDictionary(n => n.Key, n => new BulkUpdate(n.Value, new("id", Text), [new("version", Int)],
        new("record_key", Text), new("lookup", Text), new("name_key", Text),
        new("lead_id", Text), new("account_id", Text), new("opportunity_id", Text), new("campaign_id", Text),
        new("fields", Text), new("version", Int), new("updated_at", Time), new("removed_at", Time)));

    public static string Name(CrmObject kind) => Names[kind];

    public static BulkInsert Insert(CrmObject kind) => Inserts[kind];

    public static BulkUpdate Update(CrmObject kind) => Updates[kind];

    public static object?[] InsertRow(CrmRow r) =>
    [
        r.Id, r.RecordKey, r.EffectKey, Lookup(r), NameKey(r),
        Link(r, CrmFields.Lead), Link(r, CrmFields.Account), Link(r, CrmFields.Opportunity), Link(r, CrmFields.Campaign),
        Json(r), r.Version, r.CreatedAt, r.UpdatedAt,
    ];

    public static object?[] UpdateRow(CrmRow r, int expected) =>
    [
        r.Id, expected, r.RecordKey, Lookup(r), NameKey(r),
        Link(r, CrmFields.Lead), Link(r, CrmFields.Account), Link(r, CrmFields.Opportunity), Link(r, CrmFields.Campaign),
        Json(r), r.Version, r.UpdatedAt, r.RemovedAt,
    ];

    /// <summary>Reads live records of one kind.</summary>
    public static Task<List<CrmRow>> SelectAsync(
        SqlSession session, CrmObject kind, string where, string tail, CancellationToken cancellationToken, params (string, object?)[] parameters) =>
        session.QueryAsync(Live(kind, where) + tail, reader => Read(reader, kind, session), cancellationToken, parameters);

    /// <summary>Reads live records of one kind, together with what else is in the batch.</summary>
    public static Task<List<CrmRow>> SelectAsync(SqlBatch batch, SqlSession session, CrmObject kind, string where, params (string, object?)[] parameters) =>
        batch.QueryAsync(Live(kind, where), reader => Read(reader, kind, session), parameters);

    /// <summary>Reads records of one kind, those that were withdrawn among them.</summary>
    public static async Task<List<CrmRow>> SelectWithRemovedAsync(
        SqlSession session, CrmObject kind, string where, CancellationToken cancellationToken, params (string, object?)[] parameters) =>
        await session.QueryAsync($"SELECT {Columns} FROM {Names[kind]} WHERE {where}", reader => Read(reader, kind, session), cancellationToken, parameters);

    /// <summary>Replaces a record's fields, and with them what it is found by. Its links and its effect key stay.</summary>
    public static Task OverwriteAsync(SqlSession session, CrmRow row, DateTimeOffset now, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"UPDATE {Names[row.Object]} SET record_key = NULL, lookup = NULL, name_key = NULL, fields = @fields, version = version + 1, updated_at = @now WHERE id = @id",
        cancellationToken, ("fields", Json(row)), ("now", now), ("id", row.Id));

    /// <summary>What a record is looked up by besides its keys: e-mail, domain or a campaign's name, in lower case.</summary>
    private static string? Lookup(CrmRow row) => row.Object switch
    {
        CrmObject.Lead or CrmObject.Contact or CrmObject.User => row.Fields.GetValueOrDefault(CrmFields.Email)?.ToLowerInvariant(),
        CrmObject.Account => row.Fields.GetValueOrDefault(CrmFields.Domain)?.ToLowerInvariant(),
        CrmObject.Campaign => row.Fields.GetValueOrDefault("code")?.ToLowerInvariant(),
        _ => null,
    };

    /// <summary>Accounts whose names begin alike are candidates for a fuzzy match; the tool judges them.</summary>
    public static string? NameKey(string? name) =>
        string.IsNullOrWhiteSpace(name) || CompanyNames.Core(name) is not { Length: > 0 } core
            ? null
            : string.Concat(core.Split(' ').Order(StringComparer.Ordinal).First().Take(4));

    /// <summary>What a user is found by when it is called by name.</summary>
    public static string UserName(string name) => name.Trim().ToLowerInvariant();

    private static string? NameKey(CrmRow row) => row.Object switch
    {
        CrmObject.Account => NameKey(row.Fields.GetValueOrDefault(CrmFields.Name)),
        CrmObject.User when row.Fields.GetValueOrDefault(CrmFields.Name) is { } name => UserName(name),
        _ => null,
    };

    private static string? Link(CrmRow row, string field) => row.Fields.GetValueOrDefault(field);

    private static string Json(CrmRow row) => JsonSerializer.Serialize(row.Fields, CrmJson.Default.DictionaryStringString);

    private static string Live(CrmObject kind, string where) => $"SELECT {Columns} FROM {Names[kind]} WHERE removed_at IS NULL AND ({where}) ";

    private static CrmRow Read(DbDataReader r, CrmObject kind, SqlSession session)
    {
        var fields = JsonSerializer.Deserialize(r.GetString(7), CrmJson.Default.DictionaryStringString)!;
        return new CrmRow
        {
            Object = kind,
            Id = r.GetString(0),
            RecordKey = r.IsDBNull(1) ? null : r.GetString(1),
            EffectKey = r.IsDBNull(2) ? null : r.GetString(2),
            Fields = fields,
            Version = r.GetInt32(8),
            CreatedAt = session.Time(r, 9),
            UpdatedAt = session.Time(r, 10),
        };
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class CrmJson : System.Text.Json.Serialization.JsonSerializerContext;
