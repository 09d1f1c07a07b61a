using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Crm.HubSpot;
using LeadPipeline.TestKit.Simulators;
using LeadPipeline.TestKit.Simulators.HubSpot;

namespace LeadPipeline.Mcp.Tests.Crm.HubSpot;

/// <summary>The HubSpot provider and a simulated account.</summary>
internal sealed class HubSpotUnderTest : VendorUnderTest
{
    private static readonly TimeSpan CallTime = TimeSpan.FromSeconds(10);

    private static readonly Dictionary<string, string> Stages = new()
    {
        ["Prospecting"] = "appointmentscheduled",
        ["Qualification"] = "qualifiedtobuy",
        ["Needs Analysis"] = "presentationscheduled",
        ["Value Proposition"] = "decisionmakerboughtin",
        ["Negotiation"] = "contractsent",
        ["Closed Won"] = "closedwon",
        ["Closed Lost"] = "closedlost",
    };

    private static readonly Dictionary<string, string> Statuses = new()
    {
        ["New"] = "NEW",
        ["Working"] = "IN_PROGRESS",
        ["Nurturing"] = "BAD_TIMING",
        ["Qualified"] = "OPEN_DEAL",
        ["Disqualified"] = "UNQUALIFIED",
    };

    private readonly HubSpotSimulator account;
    private readonly HubSpotCrm crm;

    private HubSpotUnderTest(HubSpotSimulator account) : base(account, CallTime)
    {
        this.account = account;
        crm = new HubSpotCrm(
            new VendorHttp(HubSpotCrm.Name, Client, new HubSpotCredentials(account.Address, () => account.Token), Time),
            new HubSpotOptions { BaseUrl = account.Address.ToString() }, CallTime, Time);
        Guard(crm);
    }

    public static async Task<HubSpotUnderTest> StartAsync() => new(await HubSpotSimulator.StartAsync());

    public override IReadOnlySet<CrmCapability> Lacks { get; } = new HashSet<CrmCapability> { CrmCapability.Conversion, CrmCapability.ContactsBesideLeads, CrmCapability.KeysOnMembers };

    protected override SimulatorFault TooMany => new SimulatorFault.Refuse(429, "SECONDLY");

    public override Task<string> CreateAsync(CrmObject kind, params (string Field, string Value)[] fields)
    {
        var values = fields.ToDictionary(f => f.Field, f => f.Value);
        switch (kind)
        {
            case CrmObject.User:
                var names = values[CrmFields.Name].Split(' ', 2);
                return Task.FromResult(account.AddOwner(values[CrmFields.Email], names[0], names[1]));
            case CrmObject.Campaign:
                var property = account.Properties["contacts"]["leadpipeline_campaign"];
                account.Properties["contacts"]["leadpipeline_campaign"] = property with { Options = [.. property.Options, values[CrmFields.Name]] };
                return Task.FromResult(values[CrmFields.Name]);
        }
        var id = account.Add(TypeOf(kind), [.. values.Where(v => v.Key != CrmFields.Account).Select(v => (Name(kind, v.Key), Value(kind, v.Key, v.Value)))]);
        if (kind == CrmObject.Opportunity)
        {
            account.Edit("deals", id, "pipeline", "default");
            account.Edit("deals", id, "hs_is_closed", values[CrmFields.Stage].StartsWith("Closed", StringComparison.Ordinal) ? "true" : "false");
        }
        if (values.TryGetValue(CrmFields.Account, out var company))
            account.Associate(id, company);
        return Task.FromResult(id);
    }

    public override Task EditAsync(CrmObject kind, string id, string field, string? value)
    {
        account.Edit(TypeOf(kind), id, Name(kind, field), value is null ? null : Value(kind, field, value));
        return Task.CompletedTask;
    }

    public override Task DeleteAsync(CrmObject kind, string id)
    {
        account.Archive(TypeOf(kind), id);
        return Task.CompletedTask;
    }

    public override async Task<IReadOnlyList<CrmRecord>> ListAsync(CrmObject kind)
    {
        switch (kind)
        {
            case CrmObject.User:
                return account.Owners.Select(o => new CrmRecord(kind, (string)o["id"]!, new Dictionary<string, string>
                {
                    [CrmFields.Email] = (string)o["email"]!,
                    [CrmFields.Name] = $"{o["firstName"]} {o["lastName"]}",
                }, "1")).ToList();
            case CrmObject.CampaignMember:
                return [.. from contact in account.All("contacts")
                           from campaign in contact.Properties.GetValueOrDefault("leadpipeline_campaign", "").Split(';', StringSplitOptions.RemoveEmptyEntries)
                           select new CrmRecord(kind, $"{contact.Id}/{campaign}", new Dictionary<string, string> { [CrmFields.Lead] = contact.Id, [CrmFields.Campaign] = campaign }, "1")];
        }
        // An entry of the history is a task that is done.
        var rows = account.All(TypeOf(kind)).Where(r => r.Type != "tasks" || (r.Properties["hs_task_status"] == "COMPLETED") == (kind == CrmObject.Activity)).ToList();
        var found = (await Crm.ReadAsync(new CrmQuery { Records = [.. rows.Select(r => (kind, r.Id))] }, CancellationToken.None)).Records;
        return rows.ConvertAll(r => account.Associated(r.Id, "deals") is [var deal, ..] && kind == CrmObject.Task
            ? found[r.Id] with { Fields = new Dictionary<string, string>(found[r.Id].Fields) { [CrmFields.Opportunity] = deal } }
            : found[r.Id]);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        crm.Dispose();
    }

    protected override SimulatorFault Refused(string operation, int part) =>
        operation is "link" or "unlink" ? new SimulatorFault.Refuse(400, "VALIDATION_ERROR") : new SimulatorFault.FailPart(part, 400, "VALIDATION_ERROR");

    protected override string OperationOf(HttpRequestMessage request) => request.RequestUri!.AbsolutePath.Split('/', StringSplitOptions.RemoveEmptyEntries) switch
    {
        ["crm", "objects", _, var type, "batch", var verb] => $"{verb}_{type}",
        ["crm", "associations", .., "associate", "default"] => "link",
        _ => "other",
    };

    protected override int? PartOf(CrmWrite write, string operation, string path, JsonNode? body)
    {
        if (write is UpdateRecord { Fields: { Count: 1 } only } && only.ContainsKey(CrmFields.Account) && operation == "link")
            return 0;
        if (body?["inputs"] is not JsonArray inputs || operation.Split('_') is not [var verb and ("create" or "update"), var type])
            return null;
        var part = inputs.ToList().FindIndex(i => Is(write, verb, type, i!));
        return part < 0 ? null : part;
    }

    private static bool Is(CrmWrite write, string verb, string type, JsonNode input) => write switch
    {
        CreateRecord { Object: CrmObject.CampaignMember } => type == "contacts" && input["properties"]!["leadpipeline_campaign"] is not null,
        CreateRecord create => verb == "create" && (string?)input["properties"]!["leadpipeline_effect"] == create.EffectKey,
        UpdateRecord update => type == TypeOf(update.Object) && update.Fields.Keys.Where(f => f != CrmFields.Account).ToList() is { Count: > 0 } set && set.TrueForAll(f => input["properties"]!.AsObject().ContainsKey(Name(update.Object, f))),
        _ => false,
    };

    private static string TypeOf(CrmObject kind) => kind switch
    {
        CrmObject.Lead or CrmObject.Contact => "contacts",
        CrmObject.Account => "companies",
        CrmObject.Opportunity => "deals",
        CrmObject.Note => "notes",
        _ => "tasks",
    };

    private static string Name(CrmObject kind, string ours) => (kind, ours) switch
    {
        (_, CrmFields.Owner) => "hubspot_owner_id",
        (CrmObject.Opportunity, CrmFields.Name) => "dealname",
        (CrmObject.Opportunity, CrmFields.Stage) => "dealstage",
        (CrmObject.Opportunity, CrmFields.Currency) => "deal_currency_code",
        (CrmObject.Task, CrmFields.Status) => "hs_task_status",
        (_, CrmFields.Status) => "hs_lead_status",
        (_, CrmFields.Title) => "jobtitle",
        (_, CrmFields.TechStack) => "leadpipeline_tech_stack",
        (_, CrmFields.FoundedYear) => "leadpipeline_founded_year",
        (_, CrmFields.EnrichmentProvider) => "leadpipeline_enrichment_provider",
        (_, CrmFields.EnrichmentConfidence) => "leadpipeline_enrichment_confidence",
        (_, CrmFields.EnrichedAt) => "leadpipeline_enriched_at",
        (_, CrmFields.Source or CrmFields.Score or CrmFields.Intent or CrmFields.Tags or CrmFields.Industry or CrmFields.Employees or CrmFields.Revenue or CrmFields.Geo) => "leadpipeline_" + ours,
        _ => ours.ToLowerInvariant(),
    };

    private static string Value(CrmObject kind, string ours, string value) => (kind, ours) switch
    {
        (CrmObject.Opportunity, CrmFields.Stage) => Stages[value],
        (CrmObject.Opportunity, CrmFields.CloseDate) => value + "T12:00:00Z",
        (CrmObject.Lead or CrmObject.Contact, CrmFields.Status) => Statuses[value],
        _ => value,
    };
}
