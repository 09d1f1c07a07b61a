using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Salesforce;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators;
using LeadPipeline.TestKit.Simulators.Salesforce;

namespace LeadPipeline.Mcp.Tests.Crm.Salesforce;

/// <summary>The Salesforce provider and a simulated org of several currencies.</summary>
internal sealed class SalesforceUnderTest : VendorUnderTest
{
    private static readonly Dictionary<(CrmObject Kind, string Ours), string> Names = new()
    {
        [(CrmObject.Lead, CrmFields.Message)] = "Description",
        [(CrmObject.Lead, CrmFields.Source)] = "LeadSource",
        [(CrmObject.Lead, CrmFields.Employees)] = "LeadPipeline_Employees__c",
        [(CrmObject.Lead, CrmFields.Account)] = "LeadPipeline_Account__c",
        [(CrmObject.Account, CrmFields.Domain)] = "LeadPipeline_Domain__c",
        [(CrmObject.Opportunity, CrmFields.Stage)] = "StageName",
        [(CrmObject.Opportunity, CrmFields.Currency)] = "CurrencyIsoCode",
        [(CrmObject.CampaignMember, CrmFields.Lead)] = "LeadId",
    };

    private readonly SalesforceSimulator org;
    private readonly SalesforceCredentials credentials;
    // An org's changes are told apart by the second, and people take longer than that.
    private readonly FakeTimeProvider orgTime;

    private SalesforceUnderTest(SalesforceSimulator org, FakeTimeProvider orgTime, SalesforceOptions options) : base(org, options.WriteTimeout)
    {
        (this.org, this.orgTime) = (org, orgTime);
        org.Schema["Opportunity"]["CurrencyIsoCode"] = new OrgField("CurrencyIsoCode", FieldType.Picklist) { Values = ["EUR", "USD"] };
        options.BaseUrl = org.Address.ToString();
        options.LeadStatuses["New"] = "Open - Not Contacted";
        credentials = new SalesforceCredentials(options, Client, Time);
        Guard(new SalesforceCrm(options, credentials, Client, new CrmQuota("salesforce", Time), Time));
    }

    public static async Task<SalesforceUnderTest> StartAsync()
    {
        var time = new FakeTimeProvider();
        return new SalesforceUnderTest(await SalesforceSimulator.StartAsync(time), time, new SalesforceOptions
        {
            ClientId = SalesforceSimulator.ClientId,
            ClientSecret = SalesforceSimulator.ClientSecret,
            MultiCurrency = true,
        });
    }

    public override IReadOnlySet<CrmCapability> Lacks { get; } = new HashSet<CrmCapability> { CrmCapability.TasksOfTwo };

    protected override SimulatorFault TooMany => new SimulatorFault.Refuse(403, "concurrent");

    public override Task<string> CreateAsync(CrmObject kind, params (string Field, string Value)[] fields)
    {
        orgTime.Advance(TimeSpan.FromSeconds(1));
        var values = fields.Select(f => (Name(kind, f.Field), Value(kind, f.Field, f.Value))).ToList();
        if (kind is CrmObject.Campaign or CrmObject.User)
            values.Add(("IsActive", true));
        return Task.FromResult(org.Add(Table(kind), [.. values]));
    }

    public override Task EditAsync(CrmObject kind, string id, string field, string? value)
    {
        orgTime.Advance(TimeSpan.FromSeconds(1));
        org.Edit(id, Name(kind, field), value is null ? null : Value(kind, field, value));
        return Task.CompletedTask;
    }

    public override Task DeleteAsync(CrmObject kind, string id)
    {
        org.Delete(id);
        return Task.CompletedTask;
    }

    public override async Task<IReadOnlyList<CrmRecord>> ListAsync(CrmObject kind)
    {
        var rows = org.Live(Table(kind)).Where(r => Table(kind) != "Task" || KindOf(r) == kind).ToList();
        if (kind == CrmObject.User)
            return rows.ConvertAll(r => new CrmRecord(kind, (string)r["Id"]!, new Dictionary<string, string> { [CrmFields.Name] = (string)r["Name"]!, [CrmFields.Email] = (string)r["Email"]! }, "1"));
        var records = new List<CrmRecord>();
        foreach (var some in rows.Chunk(100))
            records.AddRange((await Crm.ReadAsync(new CrmQuery { Records = [.. some.Select(r => (kind, (string)r["Id"]!))] }, CancellationToken.None)).Records.Values);
        return records;
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        credentials.Dispose();
    }

    protected override SimulatorFault Refused(string operation, int part) => new SimulatorFault.FailPart(part, 400, "FIELD_CUSTOM_VALIDATION_EXCEPTION");

    protected override string OurKey(string theirs) => theirs.Replace("~~", "/", StringComparison.Ordinal).Replace('~', '.');

    protected override string OperationOf(HttpRequestMessage request) => request.RequestUri!.AbsolutePath switch
    {
        var path when path.StartsWith("/services/Soap/", StringComparison.Ordinal) => "convert",
        var path when path.StartsWith("/services/oauth2/", StringComparison.Ordinal) => "token",
        _ => "write",
    };

    protected override int? PartOf(CrmWrite write, string operation, string path, JsonNode? body)
    {
        if (write is ConvertLead || operation != "write")
            return write is ConvertLead && operation == "convert" ? 0 : null;
        if (body?["compositeRequest"] is not JsonArray parts)
            return Is(write, path, body) ? 0 : null;
        var part = parts.ToList().FindIndex(p => (string?)p!["method"] != "GET" && Is(write, (string)p["url"]!, p["body"]));
        return part < 0 ? null : part;
    }

    private static bool Is(CrmWrite write, string url, JsonNode? body) => write switch
    {
        CreateRecord create => url.EndsWith("/" + create.EffectKey.Replace("/", "~~", StringComparison.Ordinal).Replace('.', '~'), StringComparison.Ordinal),
        UpdateRecord update => url.Contains($"/sobjects/{Table(update.Object)}/", StringComparison.Ordinal) && update.Fields.Keys.All(f => body is JsonObject given && given.ContainsKey(Name(update.Object, f))),
        _ => false,
    };

    private static string Table(CrmObject kind) => kind is CrmObject.Activity or CrmObject.Note ? "Task" : kind.ToString();

    // All three are tasks; the step that made one says what it was meant to be.
    private static CrmObject KindOf(IReadOnlyDictionary<string, JsonNode?> task) => (string?)task.GetValueOrDefault("LeadPipeline_Effect__c") switch
    {
        { } key when key.Contains("~log_activity", StringComparison.Ordinal) => CrmObject.Activity,
        { } key when key.Contains("~add_note", StringComparison.Ordinal) => CrmObject.Note,
        _ => CrmObject.Task,
    };

    private static string Name(CrmObject kind, string ours) => Names.GetValueOrDefault((kind, ours)) ?? ours switch
    {
        CrmFields.Account => "AccountId",
        CrmFields.Owner => "OwnerId",
        CrmFields.Score or CrmFields.Intent or CrmFields.Tags or CrmFields.Revenue or CrmFields.TechStack or CrmFields.Geo or CrmFields.FoundedYear
            or CrmFields.EnrichmentProvider or CrmFields.EnrichmentConfidence or CrmFields.EnrichedAt => $"LeadPipeline_{char.ToUpperInvariant(ours[0])}{ours[1..]}__c",
        _ => char.ToUpperInvariant(ours[0]) + ours[1..],
    };

    private static JsonNode? Value(CrmObject kind, string ours, string value) => (kind, ours, value) switch
    {
        (_, CrmFields.Score or CrmFields.Amount, _) => JsonValue.Create(decimal.Parse(value, System.Globalization.CultureInfo.InvariantCulture)),
        (CrmObject.Lead, CrmFields.Status, "New") => "Open - Not Contacted",
        (CrmObject.Opportunity, CrmFields.Stage, "Negotiation") => "Negotiation/Review",
        _ => value,
    };
}
