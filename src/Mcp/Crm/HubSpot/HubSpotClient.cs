using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Guards;

namespace LeadPipeline.Mcp.Crm.HubSpot;

/// <summary>HubSpot's calls, one method each: what goes in and out on the wire, and nothing of what it is for.</summary>
internal sealed class HubSpotClient(VendorHttp http, HubSpotOptions options, HubSpotSchema schema, TimeSpan callTimeout, TimeProvider time)
{
    /// <summary>Inputs that HubSpot takes in one batch.</summary>
    public const int LargestBatch = 100;

    private static readonly MediaTypeHeaderValue Json = new("application/json");
    private readonly TimeZoneInfo zone = TimeZoneInfo.FindSystemTimeZoneById(options.TimeZone);

    /// <summary>Reads records by id or by a unique property; what is not there is left out.</summary>
    /// <exception cref="CrmUnavailableException">HubSpot did not answer, or not now.</exception>
    public async Task<IReadOnlyList<HubSpotRecord>> ReadAsync(string type, IEnumerable<string> ids, string? idProperty, CancellationToken cancellationToken)
    {
        var records = new List<HubSpotRecord>();
        foreach (var chunk in ids.Distinct().Chunk(LargestBatch))
        {
            var body = new JsonObject
            {
                ["inputs"] = Array(chunk.Select(id => (JsonNode)new JsonObject { ["id"] = id })),
                ["properties"] = Array(schema.Properties(type).Select(p => (JsonNode)p)),
                ["propertiesWithHistory"] = new JsonArray(),
            };
            if (idProperty is not null)
                body["idProperty"] = idProperty;
            records.AddRange(Records(await AskAsync("read", $"crm/objects/{options.ApiVersion}/{type}/batch/read", body, cancellationToken)));
        }
        return records;
    }

    /// <summary>Candidates by filters; any group of filters may hold, all filters of a group must. It lags behind what was written.</summary>
    /// <exception cref="CrmUnavailableException">HubSpot did not answer, or not now.</exception>
    public async Task<IReadOnlyList<HubSpotRecord>> SearchAsync(string type, IEnumerable<IReadOnlyList<(string Property, string Operator, string Value)>> groups, CancellationToken cancellationToken)
    {
        var body = new JsonObject
        {
            ["filterGroups"] = Array(groups.Select(g => (JsonNode)new JsonObject
            {
                ["filters"] = Array(g.Select(f => (JsonNode)new JsonObject { ["propertyName"] = f.Property, ["operator"] = f.Operator, ["value"] = f.Value })),
            })),
            ["properties"] = Array(schema.Properties(type).Select(p => (JsonNode)p)),
            ["limit"] = 100,
        };
        return Records(await AskAsync("search", $"crm/objects/{options.ApiVersion}/{type}/search", body, cancellationToken));
    }

    /// <summary>The records that records are associated with: from, to.</summary>
    /// <exception cref="CrmUnavailableException">HubSpot did not answer, or not now.</exception>
    public async Task<ILookup<string, string>> AssociatedAsync(string from, string to, IEnumerable<string> ids, CancellationToken cancellationToken)
    {
        var pairs = new List<(string From, string To)>();
        foreach (var chunk in ids.Distinct().Chunk(LargestBatch))
        {
            var body = new JsonObject { ["inputs"] = Array(chunk.Select(id => (JsonNode)new JsonObject { ["id"] = id })) };
            var answer = await AskAsync("read_associations", $"crm/associations/{options.ApiVersion}/{from}/{to}/batch/read", body, cancellationToken);
            foreach (var result in Items(answer?["results"]))
                pairs.AddRange(Items(result["to"]).Select(t => (Text(result["from"]?["id"]), Text(t["toObjectId"]))));
        }
        return pairs.ToLookup(p => p.From, p => p.To);
    }

    /// <summary>A page that HubSpot answers to a GET; null when there is no such page.</summary>
    /// <exception cref="CrmUnavailableException">HubSpot did not answer, or not now.</exception>
    public async Task<JsonNode?> GetAsync(string operation, string path, CancellationToken cancellationToken) =>
        await SendAsync(operation, HttpMethod.Get, path, null, cancellationToken) switch
        {
            VendorReply.Answer { Status: 200 } answer => answer.Body,
            VendorReply.Answer { Status: 404 } => null,
            var reply => throw Unavailable(reply),
        };

    /// <summary>One exchange, as it comes.</summary>
    public async Task<VendorReply> SendAsync(string operation, HttpMethod method, string path, JsonNode? body, CancellationToken cancellationToken)
    {
        var text = body?.ToJsonString();
        var reply = await http.SendAsync(operation, access =>
        {
            var request = new HttpRequestMessage(method, new Uri(access.BaseAddress, path));
            if (text is not null)
                request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(text)) { Headers = { ContentType = Json } };
            return request;
        }, callTimeout, cancellationToken);
        if (reply is VendorReply.Answer answer && (Number(answer, "X-HubSpot-RateLimit-Daily-Remaining") ?? Number(answer, "X-HubSpot-RateLimit-Remaining")) is { } left)
            CrmMeters.QuotaLeft(HubSpotCrm.Name, left);
        return reply;
    }

    /// <summary>Makes records.</summary>
    public Task<WriteAnswer> CreateAsync(string type, IReadOnlyList<WriteInput> inputs, CancellationToken cancellationToken) =>
        WriteAsync("create", $"crm/objects/{options.ApiVersion}/{type}/batch/create", Array(inputs.Select(i => (JsonNode)new JsonObject
        {
            ["properties"] = Properties(i),
            ["associations"] = Array(i.Links.Select(l => (JsonNode)new JsonObject
            {
                ["to"] = new JsonObject { ["id"] = l.Id },
                ["types"] = new JsonArray(new JsonObject { ["associationCategory"] = "HUBSPOT_DEFINED", ["associationTypeId"] = HubSpotSchema.AssociationTypes[(type, l.Type)] }),
            })),
            ["objectWriteTraceId"] = i.Trace,
        })), inputs, cancellationToken);

    /// <summary>Changes properties of records.</summary>
    public Task<WriteAnswer> UpdateAsync(string type, IReadOnlyList<WriteInput> inputs, CancellationToken cancellationToken) =>
        WriteAsync("update", $"crm/objects/{options.ApiVersion}/{type}/batch/update", Array(inputs.Select(i => (JsonNode)new JsonObject
        {
            ["id"] = i.Id,
            ["properties"] = Properties(i),
            ["objectWriteTraceId"] = i.Trace,
        })), inputs, cancellationToken);

    /// <summary>Puts records into the recycle bin.</summary>
    public Task<WriteAnswer> ArchiveAsync(string type, IReadOnlyList<WriteInput> inputs, CancellationToken cancellationToken) =>
        WriteAsync("archive", $"crm/objects/{options.ApiVersion}/{type}/batch/archive", Array(inputs.Select(i => (JsonNode)new JsonObject { ["id"] = i.Id })), inputs, cancellationToken);

    /// <summary>Associates a record with another.</summary>
    public Task<WriteAnswer> LinkAsync(string type, WriteInput input, CancellationToken cancellationToken) =>
        WriteAsync("link", $"crm/associations/{options.ApiVersion}/{type}/{input.Links[0].Type}/batch/associate/default", new JsonArray(new JsonObject
        {
            ["from"] = new JsonObject { ["id"] = input.Id },
            ["to"] = new JsonObject { ["id"] = input.Links[0].Id },
        }), [input], cancellationToken);

    /// <summary>Ends all associations between two records.</summary>
    public Task<WriteAnswer> UnlinkAsync(string type, WriteInput input, CancellationToken cancellationToken) =>
        WriteAsync("unlink", $"crm/associations/{options.ApiVersion}/{type}/{input.Links[0].Type}/batch/archive", new JsonArray(new JsonObject
        {
            ["from"] = new JsonObject { ["id"] = input.Id },
            ["to"] = new JsonArray(new JsonObject { ["id"] = input.Links[0].Id }),
        }), [input], cancellationToken);

    /// <summary>A failed exchange of a read as the port has it.</summary>
    public CrmUnavailableException Unavailable(VendorReply reply) => reply switch
    {
        VendorReply.NotTaken none => new(none.Kind, none.Message, none.RetryAfter, fault: none.Fault),
        VendorReply.Lost lost => new(NotNowKind.Transient, lost.Message, fault: lost.Fault),
        VendorReply.Answer answer when HubSpotError.NotNow(answer, time.GetUtcNow(), zone) is { } notNow => new(notNow.Kind, notNow.Message, notNow.RetryAfter, fault: notNow.Fault),
        VendorReply.Answer { Status: 403 } => new(NotNowKind.Unauthorized, "HubSpot does not let this token read; give it the scopes that doctor names", fault: CrmFault.Forbidden),
        VendorReply.Answer { Status: 408 or >= 500 } answer => new(NotNowKind.Transient, string.Create(CultureInfo.InvariantCulture, $"HubSpot answered {answer.Status}"), fault: CrmFault.ServerError),
        VendorReply.Answer answer => new(NotNowKind.Transient, $"a read was refused: {HubSpotError.Of(answer).ToRefusal().Message}"),
        _ => throw new ArgumentOutOfRangeException(nameof(reply)),
    };

    private async Task<JsonNode?> AskAsync(string operation, string path, JsonObject body, CancellationToken cancellationToken) =>
        await SendAsync(operation, HttpMethod.Post, path, body, cancellationToken) switch
        {
            // 207: some of what was asked for is not there.
            VendorReply.Answer { Status: 200 or 207 } answer => answer.Body,
            var reply => throw Unavailable(reply),
        };

    private async Task<WriteAnswer> WriteAsync(string operation, string path, JsonArray inputs, IReadOnlyList<WriteInput> of, CancellationToken cancellationToken) =>
        await SendAsync(operation, HttpMethod.Post, path, new JsonObject { ["inputs"] = inputs }, cancellationToken) switch
        {
            VendorReply.Answer { Status: 204 } => new WriteAnswer.Items([.. of.Select(i => new WriteItem.Done(i, null))]),
            VendorReply.Answer { Status: >= 200 and < 300 } answer => new WriteAnswer.Items([.. of.Select(i => Find(i, answer, of.Count))]),
            VendorReply.Answer answer when HubSpotError.NotNow(answer, time.GetUtcNow(), zone) is { } notNow => new WriteAnswer.NotNow(notNow),
            VendorReply.Answer answer when HubSpotError.MayBeTaken(answer.Status) =>
                new WriteAnswer.Lost(new(string.Create(CultureInfo.InvariantCulture, $"HubSpot answered {answer.Status}"), CrmFault.ServerError)),
            VendorReply.Answer answer => new WriteAnswer.Refused(HubSpotError.Of(answer)),
            VendorReply.NotTaken none => new WriteAnswer.NotNow(new(none.Kind, none.Message, none.RetryAfter, none.Fault)),
            VendorReply.Lost lost => new WriteAnswer.Lost(new(lost.Message, lost.Fault)),
            var reply => throw new InvalidOperationException($"{reply.GetType().Name} was not expected."),
        };

    /// <summary>What an answer says of one input. An input that it says nothing of may have been taken.</summary>
    private WriteItem Find(WriteInput input, VendorReply.Answer answer, int inputs)
    {
        if (Items(answer.Body?["errors"]).FirstOrDefault(e => inputs == 1 || Names(e["context"]?["objectWriteTraceId"], input.Trace)) is { } error)
            return new WriteItem.Refused(input, HubSpotError.Of(Status(error) ?? 207, error));
        if (input.Properties.Count == 0)
            return new WriteItem.Done(input, null);
        var records = Items(answer.Body?["results"]).Where(r => (string?)r["objectWriteTraceId"] is { } trace ? trace == input.Trace
            : input.Id is not null ? Text(r["id"]) == input.Id
            : input.Properties.TryGetValue(options.EffectProperty, out var effect) && (string?)r["properties"]?[options.EffectProperty] == effect);
        return records.FirstOrDefault() is { } record ? new WriteItem.Done(input, Record(record)) : new WriteItem.Unsaid(input);
    }

    private static long? Number(VendorReply.Answer answer, string header) =>
        answer.Headers.TryGetValues(header, out var values) && long.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static bool Names(JsonNode? traces, string trace) => traces is JsonArray list ? list.Any(t => (string?)t == trace) : (string?)traces == trace;

    private static int? Status(JsonNode error) => error["status"] is JsonValue status && int.TryParse(Text(status), CultureInfo.InvariantCulture, out var number) ? number : null;

    private static List<HubSpotRecord> Records(JsonNode? answer) => [.. Items(answer?["results"]).Select(Record)];

    private static HubSpotRecord Record(JsonNode node) =>
        new(Text(node["id"]), (node["properties"] as JsonObject ?? []).ToDictionary(p => p.Key, p => p.Value is null ? null : Text(p.Value)));

    private static IEnumerable<JsonNode> Items(JsonNode? node) => (node as JsonArray ?? []).OfType<JsonNode>();

    // Ids are text in most answers and numbers in some.
    private static string Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : node?.ToJsonString() ?? "";

    private static JsonObject Properties(WriteInput input) => new(input.Properties.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)(p.Value ?? ""))));

    private static JsonArray Array(IEnumerable<JsonNode> nodes) => new([.. nodes]);
}
