using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
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
        var batch = session.Batch();
        var wanted = Texts(q => q.Campaign);
        var named = Texts(q => q.User);
        var leads = SelectAsync(batch, CrmObject.Lead, "{in:record_key} OR {in:lookup}", ("record_key", Texts(q => q.RecordKey)), ("lookup", Texts(q => q.Email)));
        var accounts = SelectAsync(batch, CrmObject.Account, "{in:lookup} OR {in:name_key}", ("lookup", Texts(q => q.AccountDomain)), ("name_key", Texts(q => CrmTables.NameKey(q.AccountName))));
        var found = SelectAsync(batch, CrmObject.Campaign, "{in:id} OR {in:lookup}", ("id", wanted), ("lookup", wanted.Select(w => w.ToLowerInvariant()).ToArray()));
        var called = SelectAsync(batch, CrmObject.User, "{in:id} OR {in:lookup} OR {in:name_key}",
            ("id", named), ("lookup", named.Select(n => n.ToLowerInvariant()).ToArray()), ("name_key", named.Select(CrmTables.UserName).ToArray()));
        var contacts = SelectAsync(batch, CrmObject.Contact, "{in:lookup}", ("lookup", Texts(q => q.ContactEmail)));
        var made = queries.SelectMany(q => q.Effects).GroupBy(e => e.Object, e => RecordIds.For(e.Object, e.EffectKey)).Select(k => SelectAsync(batch, k.Key, "{in:id}", ("id", k.Distinct().ToArray()))).ToList();
        var asked = queries.SelectMany(q => q.Records).GroupBy(e => e.Object, e => e.Id).Select(k => SelectAsync(batch, k.Key, "{in:id}", ("id", k.Distinct().ToArray()))).ToList();
        await batch.RunAsync(cancellationToken);

        leadsByKey = (await leads).Where(r => r.RecordKey is not null).ToLookup(r => r.RecordKey!);
        leadsByEmail = (await leads).ToLookup(r => r.Fields.GetValueOrDefault(CrmFields.Email, "").ToLowerInvariant());
        accountsByDomain = (await accounts).ToLookup(r => r.Fields.GetValueOrDefault(CrmFields.Domain, "").ToLowerInvariant());
        accountsByName = (await accounts).ToLookup(r => CrmTables.NameKey(r.Fields.GetValueOrDefault(CrmFields.Name)) ?? "");
        openByAccount = (await OpportunitiesAsync(await accounts, cancellationToken)).Where(o => !o.Fields.GetValueOrDefault(CrmFields.Stage, "").StartsWith("Closed", StringComparison.Ordinal))
            .ToLookup(o => o.Fields.GetValueOrDefault(CrmFields.Account, ""));
        foreach (var row in await found)
        {
            campaigns[row.Id] = row;
            campaigns[row.Fields.GetValueOrDefault("code", row.Id).ToLowerInvariant()] = row;
        }
        users = await called;
        contactsByEmail = (await contacts).ToLookup(r => r.Fields.GetValueOrDefault(CrmFields.Email, "").ToLowerInvariant());
        foreach (var row in (await Task.WhenAll(made)).SelectMany(rows => rows))
            effects[row.EffectKey!] = row;
        foreach (var row in (await Task.WhenAll(asked)).SelectMany(rows => rows))
            records[row.Id] = row;
    }

    private async Task<List<CrmRow>> OpportunitiesAsync(List<CrmRow> accounts, CancellationToken cancellationToken)
    {
        var batch = session.Batch();
        var opportunities = SelectAsync(batch, CrmObject.Opportunity, "{in:account_id}", ("account_id", accounts.ConvertAll(a => a.Id).ToArray()));
        await batch.RunAsync(cancellationToken);
        return await opportunities;
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

    private Task<List<CrmRow>> SelectAsync(SqlBatch batch, CrmObject kind, string where, params (string, object?)[] parameters) =>
        parameters.All(p => p.Item2 is string[] { Length: 0 })
            ? Task.FromResult(new List<CrmRow>())
            : CrmTables.SelectAsync(batch, session, kind, where, parameters);

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
