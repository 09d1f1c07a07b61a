using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Tools;

namespace LeadPipeline.Mcp.Crm.Salesforce;

/// <summary>One query of a read: which kinds of record it brings, and its text.</summary>
internal sealed record SalesforceQuery(CrmObject Kind, string Soql);

/// <summary>What is asked, as few queries as possible: one a kind of record, whatever it is looked up by. Pure.</summary>
internal sealed class SalesforceReads(SalesforceFields fields, SalesforceOptions options)
{
    /// <summary>The most rows that one query brings.</summary>
    private const int Limit = 200;

    /// <summary>The queries that a read needs.</summary>
    public IReadOnlyList<SalesforceQuery> Ask(CrmQuery query)
    {
        var asked = new List<SalesforceQuery>();
        Add(CrmObject.Lead, [Equal(options.Fields.Key, query.RecordKey), Equal("Email", query.Email)], "ORDER BY CreatedDate");
        Add(CrmObject.Account, [Equal(options.Fields.Domain, query.AccountDomain), Websites(query.AccountDomain)], "", OpenOpportunities);
        // Names apart from the rest: what is found exactly must not fall victim to the limit.
        if (Names(query.AccountName) is { } names)
            asked.Add(new(CrmObject.Account, $"SELECT {fields.Columns(CrmObject.Account)}, {OpenOpportunities} FROM Account WHERE {names} ORDER BY Name LIMIT {Limit}"));
        Add(CrmObject.Campaign, [Id(query.Campaign, CrmObject.Campaign), Equal("Name", query.Campaign)], "");
        if (Any([Id(query.User, CrmObject.User), Equal("Email", query.User), Equal("Username", query.User), Equal("Name", query.User)]) is { } user)
            asked.Add(new(CrmObject.User, $"SELECT {fields.Columns(CrmObject.User)} FROM User WHERE IsActive = true AND ({user}) LIMIT {Limit}"));
        Add(CrmObject.Contact, [Equal("Email", query.ContactEmail)], "ORDER BY CreatedDate");
        Add(CrmObject.Opportunity, [], "");
        Add(CrmObject.Task, [], "");
        Add(CrmObject.CampaignMember, [], "");
        return asked;

        void Add(CrmObject kind, IEnumerable<string?> lookups, string order, string? children = null)
        {
            var name = SalesforceFields.Name(kind);
            var keys = query.Effects.Where(e => SalesforceFields.Name(e.Object) == name).Select(e => SalesforceFields.EffectText(e.EffectKey)).Distinct().ToList();
            var ids = query.Records.Where(r => SalesforceFields.Name(r.Object) == name).Select(r => SalesforceIds.Normalise(r.Id, r.Object)).OfType<string>().Distinct().ToList();
            if (kind == CrmObject.User || Any([.. lookups, keys.Count > 0 ? $"{options.Fields.Effect} IN {SoqlEscaper.List(keys)}" : null, ids.Count > 0 ? $"Id IN {SoqlEscaper.List(ids)}" : null]) is not { } where)
                return;
            asked.Add(new(kind, $"SELECT {fields.Columns(kind)}{(children is null ? "" : ", " + children)} FROM {name} WHERE {where}{(order.Length > 0 ? " " + order : "")} LIMIT {Limit}"));
        }
    }

    /// <summary>What the rows of the answers are to the one who asked.</summary>
    public CrmView View(CrmQuery query, IReadOnlyList<(CrmObject Kind, JsonArray Rows)> answers)
    {
        List<JsonObject> Rows(CrmObject kind) =>
            [.. answers.Where(a => a.Kind == kind).SelectMany(a => a.Rows.OfType<JsonObject>()).DistinctBy(r => SalesforceFields.Text(r, "Id"))];
        List<CrmRecord> Records(CrmObject kind) => Rows(kind).ConvertAll(r => fields.Read(kind, r));

        var (leads, contacts, accountRows) = (Records(CrmObject.Lead), Records(CrmObject.Contact), Rows(CrmObject.Account));
        var accounts = accountRows.ConvertAll(r => fields.Read(CrmObject.Account, r));
        var named = query.AccountName is null && query.AccountDomain is null ? [] : accounts;
        return new CrmView
        {
            Leads = [.. leads.Where(l => (query.RecordKey is not null && l.RecordKey == query.RecordKey) || Same(l[CrmFields.Email], query.Email))],
            Accounts = named,
            OpenOpportunities = named.Count == 0 ? [] : [.. accountRows.SelectMany(Opportunities)],
            Campaign = Campaign(query.Campaign, Rows(CrmObject.Campaign)),
            Users = Records(CrmObject.User),
            Contacts = [.. contacts.Where(c => Same(c[CrmFields.Email], query.ContactEmail))],
            Effects = Pick(query.Effects.Select(e => (e.Object, e.EffectKey)), kind => Rows(kind), (row, key) => SalesforceFields.Text(row, options.Fields.Effect) == SalesforceFields.EffectText(key)),
            Records = Pick(query.Records, kind => Rows(kind), (row, id) => SalesforceFields.Text(row, "Id") is { } there && there[..15] == id[..Math.Min(15, id.Length)]),
        };
    }

    private static bool Same(string? value, string? wanted) => wanted is not null && string.Equals(value, wanted, StringComparison.OrdinalIgnoreCase);

    private Dictionary<string, CrmRecord> Pick(IEnumerable<(CrmObject Kind, string Key)> asked, Func<CrmObject, List<JsonObject>> rows, Func<JsonObject, string, bool> matches)
    {
        var found = new Dictionary<string, CrmRecord>();
        foreach (var (kind, key) in asked)
        {
            // Tasks, activities and notes come from one table; the one who asks says which of them it is.
            var table = kind is CrmObject.Activity or CrmObject.Note ? CrmObject.Task : kind;
            if (rows(table).Find(r => matches(r, key)) is { } row)
                found[key] = fields.Read(kind, row);
        }
        return found;
    }

    private IEnumerable<CrmRecord> Opportunities(JsonObject account) =>
        ((account["Opportunities"] as JsonObject)?["records"] as JsonArray)?.OfType<JsonObject>().Select(r => fields.Read(CrmObject.Opportunity, r)) ?? [];

    /// <summary>By id, else the only one of that name, else the only active one of it: among several nobody can say which is meant.</summary>
    private CrmRecord? Campaign(string? wanted, List<JsonObject> rows)
    {
        var id = SalesforceIds.Normalise(wanted, CrmObject.Campaign);
        rows = rows.FindAll(r => wanted is not null && (SalesforceFields.Text(r, "Id") == id || Same(SalesforceFields.Text(r, "Name"), wanted)));
        var active = rows.FindAll(r => r["IsActive"] is JsonValue value && value.TryGetValue<bool>(out var is_) && is_);
        var row = rows.Find(r => id is not null && SalesforceFields.Text(r, "Id") == id) ?? (rows is [var only] ? only : active is [var running] ? running : null);
        return row is null ? null : fields.Read(CrmObject.Campaign, row);
    }

    private string OpenOpportunities => $"(SELECT {fields.Columns(CrmObject.Opportunity)} FROM Opportunities WHERE IsClosed = false)";

    private static string? Any(IEnumerable<string?> conditions) => string.Join(" OR ", conditions.OfType<string>()) is { Length: > 0 } text ? text : null;

    private static string? Equal(string field, string? value) => string.IsNullOrEmpty(value) ? null : $"{field} = {SoqlEscaper.Literal(value)}";

    private static string? Id(string? value, CrmObject kind) => SalesforceIds.Normalise(value, kind) is { } id ? $"Id = {SoqlEscaper.Literal(id)}" : null;

    /// <summary>The ways in which people write a company's web address.</summary>
    private static string? Websites(string? domain) => string.IsNullOrEmpty(domain)
        ? null
        : $"Website IN {SoqlEscaper.List(from scheme in (string[])["", "http://", "https://"] from www in (string[])["", "www."] from end in (string[])["", "/"] select $"{scheme}{www}{domain}{end}")}";

    /// <summary>
    /// Names that begin with a word of the company's name. Only beginnings: the index on names serves those, while a search for a word
    /// anywhere reads the whole table and times out in a large org. A missed candidate costs a person a merge; a time-out costs the lead.
    /// </summary>
    private static string? Names(string? company)
    {
        if (string.IsNullOrWhiteSpace(company) || CompanyNames.Core(company) is not { Length: > 0 } core)
            return null;
        var words = core.Split(' ');
        var beginnings = words.Where(w => w.Length > 2 && w != "the").OrderByDescending(w => w.Length).Take(3).ToList();
        if (beginnings.Count == 0)
            beginnings.Add(words[0]);
        beginnings.Add(words is ["the", _, ..] ? $"the {words[1]}" : $"the {words[0]}");
        return Any(beginnings.Distinct().Select(b => $"Name LIKE {SoqlEscaper.Prefix(b)}"));
    }
}
