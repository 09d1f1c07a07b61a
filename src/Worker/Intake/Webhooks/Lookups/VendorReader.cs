using System.Net;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Worker.Intake.Webhooks.Lookups;

/// <summary>One question to a vendor, and what its answer means for a post that waits for it.</summary>
internal sealed class VendorReader(string vendor, Uri address, string token, HttpClient http, TimeProvider time)
{
    /// <summary>The vendors give a post five seconds and more; what takes longer is repeated by them.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    private readonly VendorHttp vendorHttp = new(vendor, http, new StaticToken(address, token), time);

    /// <summary>Asks.</summary>
    /// <param name="path">Below the address.</param>
    /// <param name="body">What to post; null for a GET, the only one that asks for a single object that may not be there.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The answer, null when what was asked for is not there; or why there is none.</returns>
    public async Task<(JsonNode? Answer, LookupResult.NotNow? Trouble)> AskAsync(string path, JsonNode? body, CancellationToken cancellationToken)
    {
        var reply = await vendorHttp.SendAsync("read_webhook_lead", access =>
        {
            var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, new Uri($"{access.BaseAddress.ToString().TrimEnd('/')}/{path}"));
            if (body is not null)
                request.Content = JsonContent.Create(body);
            return request;
        }, Patience, cancellationToken);
        return reply switch
        {
            VendorReply.Answer none when body is null && IsAbsent(none) => (null, null),
            VendorReply.Answer { Status: >= 200 and < 300, Body: { } answer } => (answer, null),
            VendorReply.Answer { Status: (int)HttpStatusCode.TooManyRequests } busy => (null, new LookupResult.NotNow("too many questions were asked", busy.Headers.RetryAfter?.Delta)),
            VendorReply.Answer other => (null, new LookupResult.NotNow($"the answer was {other.Status}")),
            VendorReply.NotTaken notTaken => (null, new LookupResult.NotNow(notTaken.Message, notTaken.RetryAfter)),
            VendorReply.Lost lost => (null, new LookupResult.NotNow(lost.Message)),
            _ => throw new InvalidOperationException("An exchange is answered, not taken or lost."),
        };
    }

    /// <summary>The Graph API answers 400 with code 100 for an object that does not exist; every other 400 is about us, not about the object.</summary>
    private static bool IsAbsent(VendorReply.Answer answer) =>
        answer.Status == 404 || (answer.Status == 400 && answer.Body is JsonObject body && body["error"] is JsonObject error && error["code"] is JsonValue code && code.TryGetValue<int>(out var number) && number == 100);
}
