using LeadPipeline.Mcp.Crm;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Storage.MockCrm;

/// <summary>Answers many queries with one statement a table, then hands each query its own part.</summary>
internal sealed class CrmReader(SqlSession session, IReadOnlyList<CrmQuery> queries)
{
    private ILookup<string, CrmRow> leadsByKey = null!, leadsByEmail = null!, accountsByDomain = null!, accountsByName = null!, openByAccount = null!, contactsByEmail = null!;
    private List<CrmRow> users = [];
    private readonly Dictionary<string, CrmRow> campaigns = [], effects = [], records = [];

    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        var leads = await SelectAsync(CrmObject.Lead, "{in:record_key} OR {in:lookup}", cancellationToken,
            ("record_key", Texts(q => q.RecordKey)), ("lookup", Texts(q => q.Email)));
        leadsByKey = leads.Where(r => r.RecordKey is not null).ToLookup(r => r.RecordKey!);
        leadsByEmail = leads.ToLookup(r => r.Fields.GetValueOrDefault(CrmFields.Email, "").ToLowerInvariant());

        var accounts = await SelectAsync(CrmObject.Account, "{in:lookup} OR {in:name_key}", cancellationToken,
            ("lookup", Texts(q => q.AccountDomain)), ("name_key", Texts(q => CrmTables.NameKey(q.AccountName))));
        accountsByDomain = accounts.ToLookup(r => r.Fields.GetValueOrDefault(CrmFields.Domain, "").ToLowerInvariant());
        accountsByName = accounts.ToLookup(r => CrmTables.NameKey(r.Fields.GetValueOrDefault(CrmFields.Name)) ?? "");

        var opportunities = await SelectAsync(CrmObject.Opportunity, "{in:account_id}", cancellationToken, ("account_id", accounts.Select(a => a.Id).ToArray()));
        openByAccount = opportunities.Where(o => !o.Fields.GetValueOrDefault(CrmFields.Stage, "").StartsWith("Closed", StringComparison.Ordinal))
            .ToLookup(o => o.Fields.GetValueOrDefault(CrmFields.Account, ""));

        var wanted = Texts(q => q.Campaign);
        foreach (var row in await SelectAsync(CrmObject.Campaign, "{in:id} OR {in:lookup}", cancellationToken,
            ("id", wanted), ("lookup", wanted.Select(w => w.ToLowerInvariant()).ToArray())))
        {
            campaigns[row.Id] = row;
            campaigns[row.Fields.GetValueOrDefault("code", row.Id).ToLowerInvariant()] = row;
        }

        var named = Texts(q => q.User);
        users = await SelectAsync(CrmObject.User, "{in:id} OR {in:lookup} OR {in:name_key}", cancellationToken,
            ("id", named), ("lookup", named.Select(n => n.ToLowerInvariant()).ToArray()), ("name_key", named.Select(CrmTables.UserName).ToArray()));
        var contacts = await SelectAsync(CrmObject.Contact, "{in:lookup}", cancellationToken, ("lookup", Texts(q => q.ContactEmail)));
        contactsByEmail = contacts.ToLookup(r => r.Fields.GetValueOrDefault(CrmFields.Email, "").ToLowerInvariant());

        foreach (var kind in queries.SelectMany(q => q.Effects).GroupBy(e => e.Object, e => e.EffectKey))
        {
            foreach (var row in await SelectAsync(kind.Key, "{in:effect_key}", cancellationToken, ("effect_key", kind.Distinct().ToArray())))
                effects[row.EffectKey!] = row;
        }
        foreach (var kind in queries.SelectMany(q => q.Records).GroupBy(e => e.Object, e => e.Id))
        {
            foreach (var row in await SelectAsync(kind.Key, "{in:id}", cancellationToken, ("id", kind.Distinct().ToArray())))
                records[row.Id] = row;
        }
    }

    public CrmView View(CrmQuery query)
    {
        var leads = Rows(leadsByKey, query.RecordKey).Concat(Rows(leadsByEmail, query.Email)).DistinctBy(r => r.Id).OrderBy(r => r.CreatedAt);
        var accounts = Rows(accountsByDomain, query.AccountDomain).Concat(Rows(accountsByName, CrmTables.NameKey(query.AccountName))).DistinctBy(r => r.Id).ToList();
        return new CrmView
        {
            Leads = [.. leads.Select(r => r.ToRecord())],
            Accounts = accounts.ConvertAll(r => r.ToRecord()),
            OpenOpportunities = [.. accounts.SelectMany(a => openByAccount[a.Id]).Select(r => r.ToRecord())],
            Campaign = query.Campaign is { } campaign
                ? (campaigns.GetValueOrDefault(campaign) ?? campaigns.GetValueOrDefault(campaign.ToLowerInvariant()))?.ToRecord()
                : null,
            Users = query.User is { Length: > 0 } user ? [.. users.Where(u => IsCalled(u, user)).OrderBy(u => u.Id, StringComparer.Ordinal).Select(u => u.ToRecord())] : [],
            Contacts = [.. Rows(contactsByEmail, query.ContactEmail).OrderBy(r => r.CreatedAt).Select(r => r.ToRecord())],
            Effects = Part(query.Effects.Select(e => e.EffectKey), effects),
            Records = Part(query.Records.Select(r => r.Id), records),
        };
    }

    private static bool IsCalled(CrmRow user, string text) =>
        user.Id == text || string.Equals(user.Fields.GetValueOrDefault(CrmFields.Email), text, StringComparison.OrdinalIgnoreCase)
        || (user.Fields.GetValueOrDefault(CrmFields.Name) is { } name && CrmTables.UserName(name) == CrmTables.UserName(text));

    private string[] Texts(Func<CrmQuery, string?> text) => [.. queries.Select(text).OfType<string>().Where(t => t.Length > 0).Distinct()];

    private Task<List<CrmRow>> SelectAsync(CrmObject kind, string where, CancellationToken cancellationToken, params (string, object?)[] parameters) =>
        parameters.All(p => p.Item2 is string[] { Length: 0 })
            ? Task.FromResult(new List<CrmRow>())
            : CrmTables.SelectAsync(session, kind, where, "", cancellationToken, parameters);

    private static IEnumerable<CrmRow> Rows(ILookup<string, CrmRow> lookup, string? key) => string.IsNullOrEmpty(key) ? [] : lookup[key];

    private static Dictionary<string, CrmRecord> Part(IEnumerable<string> keys, Dictionary<string, CrmRow> rows)
    {
        var part = new Dictionary<string, CrmRecord>();
        foreach (var key in keys)
        {
            if (rows.TryGetValue(key, out var row))
                part[key] = row.ToRecord();
        }
        return part;
    }
}
