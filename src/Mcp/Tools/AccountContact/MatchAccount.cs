using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Finds the account that a lead belongs to, by domain and then by name, creates it when asked to, and links the lead to it.</summary>
public sealed class MatchAccount : CrmTool
{
    /// <summary>Names that are more alike than this are the same company.</summary>
    public const decimal Threshold = 0.8m;

    private const string Domain = CrmFields.Domain, CreateIfMissing = "createIfMissing", Confidence = "confidence", OpenOpportunities = "openOpportunities";

    /// <inheritdoc/>
    public override string Name => "match_account";

    /// <inheritdoc/>
    public override string Description => "Finds the lead's account by exact domain, then by company name, creates it when asked to, and links the lead.";

    /// <inheritdoc/>
    public override string Guarantee => "Exact domain first (never a free-mail one), then the name without legal forms when more than 80 % alike; two equally good accounts go to a person; a lead that is linked stays linked.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.Ambiguous];

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.AccountContact;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.Withdraw;

    /// <inheritdoc/>
    public override UnknownOutcome UnknownOutcome => UnknownOutcome.ReadByEffectKey;

    /// <inheritdoc/>
    public override bool FindsOrCreates => true;

    /// <inheritdoc/>
    public override CrmObject? Creates => CrmObject.Account;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Results => ["recordId", Confidence, OpenOpportunities];

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
        LeadFields.LeadId,
        new(Domain, ParameterType.Text, "the company's own mail domain; left out for a free-mail address", MaxLength: 253),
        new(CrmFields.Company, ParameterType.Text, "the company's name", MaxLength: 200),
        new(CreateIfMissing, ParameterType.Boolean, "whether an account is created when none is good enough"),
        new(CrmFields.Industry, ParameterType.Text, "the industry, for a new account"),
        new(CrmFields.Employees, ParameterType.Text, "number or range of employees, for a new account"),
        new(CrmFields.Country, ParameterType.Text, "the country, for a new account", MaxLength: 100),
        new(CrmFields.Website, ParameterType.Text, "the web site, for a new account", MaxLength: 300));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskForLead(arguments) with
    {
        AccountDomain = arguments[Domain]?.GetValue<string>().ToLowerInvariant(),
        AccountName = arguments[CrmFields.Company]?.GetValue<string>(),
    };

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view)
    {
        if (view.Effects.TryGetValue(call.EffectKey, out var ours))
            return Found(call, view, ours, 1, CrmCodes.Replayed);

        var (domain, company) = (call.Text(Domain)?.ToLowerInvariant(), call.Text(CrmFields.Company));
        if (string.IsNullOrEmpty(domain) && string.IsNullOrEmpty(company))
            return None($"{CrmCodes.NoCriteria}: neither a company domain nor a company name is known, so no account was looked for.");

        var byDomain = view.Accounts.Where(a => !string.IsNullOrEmpty(domain) && string.Equals(a[Domain], domain, StringComparison.OrdinalIgnoreCase)).ToList();
        if (byDomain.Count > 0)
            return byDomain is [var exact] ? Found(call, view, exact, 1) : Ambiguous(byDomain, "have the lead's domain");

        var ranked = Rank(view.Accounts, company);
        if (ranked is [var best, ..] && best.Confidence > Threshold)
        {
            var equals = ranked.Where(c => c.Confidence == best.Confidence).Select(c => c.Account).ToList();
            // Among equally good names, an account of another domain than the lead's is another company.
            if (equals.Count > 1 && !string.IsNullOrEmpty(domain))
                equals.RemoveAll(a => a[Domain] is { Length: > 0 });
            if (equals.Count > 0)
                return equals is [var only] ? Found(call, view, only, best.Confidence) : Ambiguous(equals, "have a name as close to the lead's company");
        }

        return call.Flag(CreateIfMissing) && !string.IsNullOrEmpty(company)
            ? Create(call, view, domain, company)
            : None(ranked.Count == 0
                ? "No account resembles the lead's company."
                : $"No account is close enough to the lead's company; the closest are {string.Join(", ", ranked.Take(3).Select(c => $"{c.Account.Id} ({Text(c.Confidence)})"))}.",
                ranked);
    }

    /// <summary>What the external key of a new account is made from; null: there is nothing that tells it from others.</summary>
    internal static string? Identity(string? domain, string? company) =>
        !string.IsNullOrEmpty(domain) ? domain
        : !string.IsNullOrEmpty(company) && CompanyNames.Core(company) is { Length: > 0 } core ? "company:" + core
        : null;

    private static List<(CrmRecord Account, decimal Confidence)> Rank(IReadOnlyList<CrmRecord> accounts, string? company) =>
        string.IsNullOrEmpty(company)
            ? []
            : [.. accounts.Select(a => (Account: a, Confidence: CompanyNames.Likeness(company, a[CrmFields.Name] ?? "")))
                .OrderByDescending(c => c.Confidence).ThenBy(c => c.Account.Id, StringComparer.Ordinal)];

    private ToolDecision Found(ToolCall call, CrmView view, CrmRecord account, decimal confidence, string? warning = null)
    {
        var open = view.OpenOpportunities.Count(o => o[CrmFields.Account] == account.Id);
        var results = Found(account.Id, confidence, open);
        return Link(call, view, account.Id) switch
        {
            (null, var note) => new ToolDecision.Unchanged(account.Id, results, warning ?? note),
            ({ } link, _) => new ToolDecision.Write([link], results, NotLinked, warning),
        };
    }

    private ToolDecision.Write Create(ToolCall call, CrmView view, string? domain, string company)
    {
        var fields = new Dictionary<string, string> { [CrmFields.Name] = company };
        if (!string.IsNullOrEmpty(domain))
            fields[Domain] = domain;
        foreach (var field in (ReadOnlySpan<string>)[CrmFields.Industry, CrmFields.Employees, CrmFields.Country, CrmFields.Website])
        {
            if (call.Text(field) is { Length: > 0 } value)
                fields[field] = value;
        }
        // Two leads of one company may be at this point at once: the key lets the CRM take the account once.
        var key = Identity(domain, company) is { } identity ? call.RecordKey(identity) : null;
        var account = new CreateRecord(call.Step, Name, CrmObject.Account, call.EffectKey, key, fields);
        var (link, note) = Link(call, view, RecordRef.CreatedBy(call.Step).ToString());

        // No recordId among the results here: it is that of the first write, once the CRM has given one.
        var results = new Dictionary<string, string> { [Confidence] = "1", [OpenOpportunities] = "0" };
        return link is null ? new([account], results, Warning: note) : new([account, link], results, NotLinked);
    }

    /// <summary>The write that links the lead, or null and why not: it is linked already, or a person linked it elsewhere.</summary>
    private (UpdateRecord? Link, string? Warning) Link(ToolCall call, CrmView view, string account)
    {
        var target = RecordRef.Parse(call.Text(CrmFields.Lead)!);
        var lead = target.Id is { } id ? view.Lead(id) : null;
        if (target.Id is not null && lead is null)
            return (null, "The lead's record is not in the CRM, so it was not linked to the account.");
        if (lead?[CrmFields.Account] is { Length: > 0 } current)
            return (null, current == account ? null : $"The lead stays linked to the account {current}, which was set before.");
        return (new(call.Step, Name, CrmObject.Lead, target, new Dictionary<string, string?> { [CrmFields.Account] = account }, lead?.Version), null);
    }

    private static ToolDecision.Refuse Ambiguous(List<CrmRecord> accounts, string what) =>
        new(CrmCodes.Ambiguous, $"{accounts.Count} accounts {what}; a person has to say which one is meant.",
            NeedsPerson: true, [.. accounts.Select(a => a.Id)]);

    private static ToolDecision.Unchanged None(string warning, List<(CrmRecord Account, decimal Confidence)>? ranked = null)
    {
        var results = new Dictionary<string, string> { [OpenOpportunities] = "0" };
        if (ranked is { Count: > 0 })
        {
            results[Confidence] = Text(ranked[0].Confidence);
            results["candidates"] = string.Join(",", ranked.Take(3).Select(c => c.Account.Id));
        }
        return new(null, results, warning);
    }

    private static Dictionary<string, string> Found(string account, decimal confidence, int open) => new()
    {
        // Said here, because the first write is about the lead and not about the step's record.
        ["recordId"] = account,
        [Confidence] = Text(confidence),
        [OpenOpportunities] = open.ToString(CultureInfo.InvariantCulture),
    };

    private static Dictionary<string, string?> NotLinked => new() { [CrmFields.Account] = null };

    private static string Text(decimal confidence) => confidence.ToString("0.##", CultureInfo.InvariantCulture);
}
