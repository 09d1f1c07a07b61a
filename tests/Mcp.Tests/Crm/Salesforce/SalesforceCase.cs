using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Crm.Salesforce;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Mcp.Tests.Execution;
using LeadPipeline.TestKit.Simulators.Salesforce;

namespace LeadPipeline.Mcp.Tests.Crm.Salesforce;

/// <summary>Our client against the simulated org, over real HTTP.</summary>
internal sealed class SalesforceCase : IAsyncDisposable
{
    /// <summary>How long a test waits for something that has to happen.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly HttpClient client = new(VendorHttp.NewHandler()) { Timeout = Timeout.InfiniteTimeSpan };

    private SalesforceCase(SalesforceSimulator org, Action<SalesforceOptions>? change, TimeProvider time)
    {
        Org = org;
        Options = new SalesforceOptions { BaseUrl = org.Address.ToString(), ClientId = SalesforceSimulator.ClientId, ClientSecret = SalesforceSimulator.ClientSecret };
        Options.LeadStatuses["New"] = "Open - Not Contacted";
        change?.Invoke(Options);
        Credentials = new SalesforceCredentials(Options, client, time);
        Crm = new SalesforceCrm(Options, Credentials, client, new CrmQuota("salesforce", time), time);
        Campaign = org.Add("Campaign", ("Name", "Spring"), ("IsActive", true));
    }

    public SalesforceSimulator Org { get; }

    public SalesforceOptions Options { get; }

    public SalesforceCredentials Credentials { get; }

    public SalesforceCrm Crm { get; }

    public string Campaign { get; }

    public static async Task<SalesforceCase> StartAsync(Action<SalesforceOptions>? change = null, TimeProvider? time = null) =>
        new(await SalesforceSimulator.StartAsync(), change, time ?? TimeProvider.System);

    /// <summary>The default plan of a routed lead, to be run on the org.</summary>
    public RouteCase Route() => new(Crm, Campaign);

    /// <summary>The person is in the org already.</summary>
    public string KnownLead(params (string Field, System.Text.Json.Nodes.JsonNode? Value)[] more) => Org.Add("Lead",
        [("LastName", "Lovelace"), ("Company", "Analytical Engines"), ("Email", RouteCase.Email), ("Status", "Working"), ("LeadPipeline_Key__c", RouteCase.Key(RouteCase.Email)), .. more]);

    /// <summary>Writes some writes of one step each.</summary>
    public Task<IReadOnlyList<CrmOutcome>> WriteAsync(params CrmWrite[] writes) => WriteAsync([], writes);

    /// <summary>Writes, with the critical steps named.</summary>
    public Task<IReadOnlyList<CrmOutcome>> WriteAsync(string[] critical, params CrmWrite[] writes) =>
        Crm.WriteAsync(new CrmBatch(RouteCase.LeadId, RouteCase.Email, writes, critical.ToHashSet()), CancellationToken.None);

    /// <summary>A new lead.</summary>
    public static CreateRecord NewLead(string step = "upsert_lead", string email = RouteCase.Email, params (string Field, string Value)[] more) => new(
        step, "upsert_lead", CrmObject.Lead, $"effect.1.{step}", RouteCase.Key(email),
        new Dictionary<string, string> { [CrmFields.Email] = email, [CrmFields.LastName] = "Lovelace", [CrmFields.Company] = "Analytical Engines" }
            .Concat(more.Select(m => KeyValuePair.Create(m.Field, m.Value))).ToDictionary());

    /// <summary>A new task of the lead that a step creates.</summary>
    public static CreateRecord NewTask(string step = "create_task", string lead = "@upsert_lead") => new(step, "create_task", CrmObject.Task, $"effect.1.{step}", null,
        new Dictionary<string, string> { [CrmFields.Lead] = lead, [CrmFields.Subject] = "Call", [CrmFields.Priority] = "High", [CrmFields.DueDate] = "2026-03-04" });

    /// <summary>A change of a lead.</summary>
    public static UpdateRecord Change(string step, string lead, string field, string? value, string? version = null) =>
        new(step, step, CrmObject.Lead, RecordRef.Parse(lead), new Dictionary<string, string?> { [field] = value }, version);

    /// <summary>A record as it stands in the org now.</summary>
    public async Task<CrmRecord?> ReadAsync(CrmObject kind, string id) =>
        (await Crm.ReadAsync(new CrmQuery { Records = [(kind, id)] }, CancellationToken.None)).Records.GetValueOrDefault(id);

    public async ValueTask DisposeAsync()
    {
        await Org.DisposeAsync();
        Credentials.Dispose();
        client.Dispose();
    }
}
