using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Guards;

namespace LeadPipeline.Mcp.Crm.Salesforce;

/// <summary>
/// Salesforce behind the CRM port. A read is one composite of queries, a batch is one composite that takes effect as a whole; see
/// <c>docs/decisions</c> for what that means and what windows are left.
/// </summary>
public sealed class SalesforceCrm : ICrm, ICrmProbe
{
    /// <summary>The name on meters and in the ledger.</summary>
    public const string ProviderName = "salesforce";

    /// <summary>Salesforce's limit of queries in one composite.</summary>
    private const int MaxQueries = 5;

    private static readonly TimeSpan StagesLiveFor = TimeSpan.FromHours(1);

    private readonly SalesforceOptions options;
    private readonly IVendorCredentials credentials;
    private readonly VendorHttp http;
    private readonly TimeProvider time;
    private readonly SalesforceFields fields;
    private readonly SalesforceReads reads;
    private readonly Lock gate = new();
    private Task<StageNames>? stages;

    /// <summary>A CRM over an HTTP client; the settings must have no <see cref="SalesforceOptions.Problems"/>.</summary>
    public SalesforceCrm(SalesforceOptions options, IVendorCredentials credentials, HttpClient client, CrmQuota quota, TimeProvider time)
    {
        (this.options, this.credentials, this.time, Quota) = (options, credentials, time, quota);
        http = new VendorHttp(ProviderName, client, credentials, time);
        fields = new SalesforceFields(options);
        reads = new SalesforceReads(fields, options);
    }

    /// <inheritdoc/>
    public string Provider => ProviderName;

    /// <summary>The org's allowance of calls, as it told last.</summary>
    public CrmQuota Quota { get; }

    /// <summary>
    /// Sent with every write. Without the first, assignment rules hand the lead to somebody else at each update; the second lets the org's
    /// duplicate rules refuse.
    /// </summary>
    internal static IReadOnlyList<(string Name, string Value)> WriteHeaders { get; } =
        [("Sforce-Auto-Assign", "FALSE"), ("Sforce-Duplicate-Rule-Header", "allowSave=false; includeRecordDetails=false; runAsCurrentUser=false")];

    /// <inheritdoc/>
    public async Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken)
    {
        var answers = new List<(CrmObject, JsonArray)>();
        foreach (var group in reads.Ask(query).Chunk(MaxQueries))
            answers.AddRange(await QueryAsync("read", group, cancellationToken));
        return reads.View(query, answers);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken)
    {
        IReadOnlySet<string>? known = null;
        if (batch.Writes.Any(w => w is CreateRecord { Object: CrmObject.Opportunity } or UpdateRecord { Object: CrmObject.Opportunity } && HasStage(w)))
        {
            var stagesNow = await StagesAsync(cancellationToken);
            if (stagesNow.Fault is { } fault)
                return [.. batch.Writes.Select((_, i) => i == 0 ? (CrmOutcome)fault : new CrmOutcome.NotTried())];
            known = stagesNow.Names;
        }
        var state = new SalesforceBatch(batch, fields, options, stage => SalesforceStages.Find(stage, options.Stages, known!), DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime));
        while (state.Next() is { } round)
        {
            // What has not been sent when time is up has certainly not been written.
            if (cancellationToken.IsCancellationRequested)
            {
                state.OutOfTime();
                break;
            }
            switch (round)
            {
                case SalesforceRound.Composite composite:
                    string? me = null;
                    var reply = await SendAsync("write", access =>
                    {
                        me = access.UserId;
                        return Json(HttpMethod.Post, access, "composite", composite.Body());
                    }, options.WriteTimeout, cancellationToken);
                    state.Take(composite, reply, me);
                    break;
                case SalesforceRound.Direct direct:
                    state.Take(direct, await SendAsync("write", access => WithHeaders(Json(HttpMethod.Patch, access, direct.Url, direct.Body)), options.WriteTimeout, cancellationToken));
                    break;
                case SalesforceRound.Convert convert:
                    state.Take(convert, await ConvertAsync(convert, cancellationToken));
                    break;
            }
        }
        return state.Outcomes!;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<CrmFinding>> ProbeAsync(CancellationToken cancellationToken) =>
        new SalesforceProbe(options, credentials, (url, token) => SendAsync("probe", access => new HttpRequestMessage(HttpMethod.Get, new Uri(access.BaseAddress, url)), options.ReadTimeout, token)).RunAsync(cancellationToken);

    private static bool HasStage(CrmWrite write) => write switch
    {
        CreateRecord create => create.Fields.ContainsKey(CrmFields.Stage),
        UpdateRecord update => update.Fields.GetValueOrDefault(CrmFields.Stage) is not null,
        _ => false,
    };

    private async Task<VendorReply> SendAsync(string operation, Func<VendorAccess, HttpRequestMessage> make, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var reply = await http.SendAsync(operation, make, timeout, cancellationToken);
        if (reply is VendorReply.Answer answer)
        {
            if (SalesforceErrors.Usage(answer) is var (used, limit))
                Quota.Observe(used, limit);
            if (SalesforceError.Read(answer.Status, answer.Body) is { Code: "REQUEST_LIMIT_EXCEEDED" } error && !error.Message.Contains("Concurrent", StringComparison.OrdinalIgnoreCase))
                Quota.Exhausted();
        }
        return reply;
    }

    private HttpRequestMessage Json(HttpMethod method, VendorAccess access, string url, JsonObject body) =>
        new(method, new Uri(access.BaseAddress, url.StartsWith('/') ? url : $"/services/data/{options.ApiVersion}/{url}"))
        {
            Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"),
        };

    private static HttpRequestMessage WithHeaders(HttpRequestMessage request)
    {
        foreach (var (name, value) in WriteHeaders)
            _ = request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    private async Task<List<(CrmObject Kind, JsonArray Rows)>> QueryAsync(string operation, SalesforceQuery[] queries, CancellationToken cancellationToken)
    {
        var body = new JsonObject
        {
            ["allOrNone"] = false,
            ["compositeRequest"] = new JsonArray([.. queries.Select((q, i) => (JsonNode)new JsonObject
            {
                ["method"] = "GET",
                ["url"] = $"/services/data/{options.ApiVersion}/query?q={Uri.EscapeDataString(q.Soql)}",
                ["referenceId"] = $"q{i}",
            })]),
        };
        var reply = await SendAsync(operation, access => Json(HttpMethod.Post, access, "composite", body), options.ReadTimeout, cancellationToken);
        if (reply is not VendorReply.Answer { Status: 200, Body: JsonObject answer } || answer["compositeResponse"] is not JsonArray parts || parts.Count != queries.Length)
            throw Unavailable(reply);
        var rows = new List<(CrmObject, JsonArray)>();
        for (var i = 0; i < queries.Length; i++)
        {
            var status = parts[i]?["httpStatusCode"] is JsonValue value && value.TryGetValue<int>(out var number) ? number : 0;
            if (status != 200 || parts[i]!["body"] is not JsonObject { } result || result["records"] is not JsonArray records)
                throw Unavailable(SalesforceErrors.NotNow(SalesforceError.Read(status, parts[i]?["body"])));
            rows.Add((queries[i].Kind, records));
        }
        return rows;
    }

    private static CrmUnavailableException Unavailable(VendorReply reply) => reply switch
    {
        VendorReply.NotTaken none => new(none.Kind, none.Message, none.RetryAfter, fault: none.Fault),
        VendorReply.Lost lost => new(NotNowKind.Transient, lost.Message, fault: lost.Fault),
        VendorReply.Answer { Status: 200 } => new(NotNowKind.Transient, "the CRM's answer cannot be read"),
        VendorReply.Answer { Body: null } answer => Unavailable(SalesforceErrors.NotNow(SalesforceError.Read(answer.Status, null)) with { Kind = answer.Status == 429 ? NotNowKind.RateLimited : NotNowKind.Transient }),
        VendorReply.Answer answer => Unavailable(SalesforceErrors.NotNow(SalesforceError.Read(answer.Status, answer.Body))),
        _ => new(NotNowKind.Transient, "the CRM did not answer"),
    };

    private static CrmUnavailableException Unavailable(CrmOutcome.NotNow notNow) => new(notNow.Kind, notNow.Message, notNow.RetryAfter, fault: notNow.Fault);

    /// <summary>The org's stages. All that want them at the same time share one call; a failed one is made again by whoever comes next.</summary>
    private async Task<StageNames> StagesAsync(CancellationToken cancellationToken)
    {
        Task<StageNames> pending;
        lock (gate)
        {
            if (stages is not { } last || (last.IsCompleted && !IsFresh(last)))
                stages = DescribeAsync();
            pending = stages;
        }
        try
        {
            // A caller may give up; the call goes on for the others.
            return await pending.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return new StageNames(null, new CrmOutcome.NotNow(NotNowKind.Transient, "there was no time left to ask for the org's stages", Fault: CrmFault.Timeout), default);
        }
    }

    private bool IsFresh(Task<StageNames> read) =>
        read is { IsCompletedSuccessfully: true, Result: { Fault: null } known } && time.GetUtcNow() - known.ReadAt < StagesLiveFor;

    private async Task<StageNames> DescribeAsync()
    {
        var reply = await SendAsync("describe", access => new HttpRequestMessage(HttpMethod.Get, new Uri(access.BaseAddress, $"/services/data/{options.ApiVersion}/sobjects/Opportunity/describe")), options.ReadTimeout, CancellationToken.None);
        if (reply is VendorReply.Answer { Status: 200, Body: var body } && SalesforceStages.Read(body) is { } names)
            return new StageNames(names, null, time.GetUtcNow());
        var unavailable = Unavailable(reply);
        return new StageNames(null, new CrmOutcome.NotNow(unavailable.Kind, unavailable.Message, unavailable.RetryAfter, unavailable.Fault), default);
    }

    private sealed record StageNames(IReadOnlySet<string>? Names, CrmOutcome.NotNow? Fault, DateTimeOffset ReadAt);

    /// <summary>
    /// Looks at the lead, converts it, and marks the contact that came out of it. The look comes before a call that cannot be taken back; the
    /// mark is worth having, but the lead itself tells of its contact, so a mark that fails changes nothing.
    /// </summary>
    private async Task<CrmOutcome> ConvertAsync(SalesforceRound.Convert convert, CancellationToken cancellationToken)
    {
        List<(CrmObject, JsonArray Rows)> found;
        try
        {
            found = await QueryAsync("write",
            [
                new(CrmObject.Lead, $"SELECT {fields.Columns(CrmObject.Lead)} FROM Lead WHERE Id = {SoqlEscaper.Literal(convert.Lead)}"),
                new(CrmObject.Lead, "SELECT MasterLabel FROM LeadStatus WHERE IsConverted = true ORDER BY SortOrder LIMIT 1"),
            ], cancellationToken);
        }
        catch (CrmUnavailableException unavailable)
        {
            return new CrmOutcome.NotNow(unavailable.Kind, unavailable.Message, unavailable.RetryAfter, unavailable.Fault);
        }
        if (found[0].Rows.FirstOrDefault() is not JsonObject row)
            return new CrmOutcome.Refused(CrmCodes.NotFound, "the lead is not in the CRM any more");
        var lead = fields.Read(CrmObject.Lead, row);
        if (lead[CrmFields.Status] == "Converted" || (convert.Order.ExpectedVersion is { } expected && lead.Version != expected))
            return new CrmOutcome.Refused(CrmCodes.ChangedSince, "the lead was changed meanwhile");
        if ((found[1].Rows.FirstOrDefault() is JsonObject status ? SalesforceFields.Text(status, "MasterLabel") : null) is not { } converted)
            return new CrmOutcome.Refused(CrmCodes.NotConvertible, "the org has no lead status for converted leads");
        var owner = convert.Order.Owner is { } wanted ? SalesforceIds.Normalise(wanted, CrmObject.User) : null;
        if (convert.Order.Owner is not null && owner is null)
            return new CrmOutcome.Refused(CrmCodes.UnknownOwner, "the owner is not the id of a user");

        var (reply, answer) = await SoapAsync(access => SalesforceSoap.ConvertLead(access.Bearer, convert.Lead, convert.Account, owner, converted), cancellationToken);
        if (reply is not VendorReply.Answer)
            return reply is VendorReply.NotTaken none ? new CrmOutcome.NotNow(none.Kind, none.Message, none.RetryAfter, none.Fault) : new CrmOutcome.Unknown(((VendorReply.Lost)reply).Message, ((VendorReply.Lost)reply).Fault);
        if (answer is not { Success: true, Contact: { } contact })
            return NotConverted((VendorReply.Answer)reply, answer, convert.Order);
        await MarkAsync(contact, convert.Order, cancellationToken);
        return new CrmOutcome.Done(convert.Lead, Version: null, Data: new Dictionary<string, string> { [CrmFields.ConvertedContact] = contact, [CrmFields.ConvertedAccount] = answer.Account ?? convert.Account });
    }

    private static CrmOutcome NotConverted(VendorReply.Answer reply, SoapAnswer? answer, ConvertLead order)
    {
        var error = new SalesforceError(reply.Status, answer?.Code ?? "", "", [], []);
        if (answer is null)
            return reply.Status is 503 or 429 or 403 or 404 ? SalesforceErrors.NotNow(error) with { Kind = NotNowKind.Transient } : new CrmOutcome.Unknown("the CRM's answer to the conversion cannot be read", CrmFault.ServerError);
        // A fault's HTTP status is 500 always; its code tells what it was.
        return answer.Code switch
        {
            "UNKNOWN_EXCEPTION" => new CrmOutcome.Unknown("the CRM failed at the conversion", CrmFault.ServerError),
            "INVALID_SESSION_ID" => SalesforceErrors.NotNow(error with { Status = 401 }),
            "REQUEST_LIMIT_EXCEEDED" or "SERVER_UNAVAILABLE" or "UNABLE_TO_LOCK_ROW" => SalesforceErrors.Outcome(error with { Status = 503 }, order),
            "DUPLICATES_DETECTED" => SalesforceErrors.Outcome(error, order),
            "INSUFFICIENT_ACCESS_OR_READONLY" or "INSUFFICIENT_ACCESS" => new CrmOutcome.Refused(CrmCodes.Unauthorized, "the user lacks the permission to convert leads"),
            _ => new CrmOutcome.Refused(CrmCodes.NotConvertible, $"the CRM does not convert the lead: {answer.Code}"),
        };
    }

    /// <summary>SOAP tells a worn-out session by a fault and not by the status, so the second try is made here.</summary>
    private async Task<(VendorReply Reply, SoapAnswer? Answer)> SoapAsync(Func<VendorAccess, string> text, CancellationToken cancellationToken)
    {
        for (var refreshed = false; ; refreshed = true)
        {
            VendorAccess? used = null;
            var reply = await SendAsync("convert", access =>
            {
                used = access;
                var request = new HttpRequestMessage(HttpMethod.Post, new Uri(access.BaseAddress, $"/services/Soap/u/{options.ApiVersion.TrimStart('v')}"))
                {
                    Content = new StringContent(text(access), Encoding.UTF8, new MediaTypeHeaderValue("text/xml", "utf-8")),
                };
                request.Headers.Add("SOAPAction", "\"\"");
                return request;
            }, options.WriteTimeout, cancellationToken);
            var answer = SalesforceSoap.Read((reply as VendorReply.Answer)?.Text);
            if (answer is not { IsFault: true, Code: "INVALID_SESSION_ID" } || refreshed || used is null)
                return (reply, answer);
            credentials.Refused(used);
        }
    }

    private async Task MarkAsync(string contact, ConvertLead order, CancellationToken cancellationToken)
    {
        if (SalesforceIds.Normalise(contact, CrmObject.Contact) is not { } id || cancellationToken.IsCancellationRequested)
            return;
        var body = new JsonObject { [options.Fields.Effect] = SalesforceFields.EffectText(order.EffectKey) };
        _ = await SendAsync("write", access => WithHeaders(Json(HttpMethod.Patch, access, $"sobjects/Contact/{id}", body)), options.WriteTimeout, cancellationToken);
    }
}
