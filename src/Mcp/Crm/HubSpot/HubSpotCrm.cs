using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Mcp.Crm.HubSpot;

/// <summary>HubSpot behind the port. What stands for what is in <see cref="HubSpotSchema"/>; how writes are put into calls, in <see cref="CallPlanner"/>.</summary>
public sealed class HubSpotCrm : ICrm, ICrmProbe, IDisposable
{
    private readonly HubSpotReader reader;
    private readonly HubSpotWriter writer;
    private readonly HubSpotLists lists;
    private readonly HubSpotProbe probe;

    /// <param name="http">The exchange with HubSpot.</param>
    /// <param name="options">How the account is set up.</param>
    /// <param name="callTimeout">Time for one HTTP call.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="TimeZoneNotFoundException"><see cref="HubSpotOptions.TimeZone"/> is not a zone.</exception>
    public HubSpotCrm(VendorHttp http, HubSpotOptions options, TimeSpan callTimeout, TimeProvider time)
    {
        var schema = new HubSpotSchema(options);
        var client = new HubSpotClient(http, options, schema, callTimeout, time);
        lists = new HubSpotLists(client, options, time);
        reader = new HubSpotReader(client, schema, options, lists);
        probe = new HubSpotProbe(client, schema, options);
        writer = new HubSpotWriter(client, schema, options, lists, time);
    }

    /// <summary>The name under which HubSpot is metered.</summary>
    public const string Name = "hubspot";

    /// <inheritdoc/>
    public string Provider => Name;

    /// <inheritdoc/>
    public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => reader.ReadAsync(query, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken) => writer.WriteAsync(batch, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<CrmFinding>> ProbeAsync(CancellationToken cancellationToken) => probe.ProbeAsync(cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => lists.Dispose();
}
