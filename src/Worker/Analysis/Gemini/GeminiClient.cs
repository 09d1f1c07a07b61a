using System.Net.Http.Headers;
using Google.Apis.Auth.OAuth2.Responses;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Telemetry;
using Polly;
using Polly.CircuitBreaker;

namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>
/// Exchanges with the model, each by itself: credentials, time-out, circuit breaker, and one new token after a 401. Trying again is the caller's.
/// </summary>
public sealed class GeminiClient
{
    private const string Vendor = "the model";

    private readonly HttpClient http;
    private readonly IGeminiCredentials credentials;
    private readonly GeminiEndpoint endpoint;
    private readonly GeminiSettings settings;
    private readonly TimeProvider time;
    private readonly Circuit circuit;
    private readonly ResiliencePipeline<VendorReply> breaker;

    /// <summary>A client with a closed breaker.</summary>
    public GeminiClient(HttpClient http, IGeminiCredentials credentials, GeminiEndpoint endpoint, GeminiSettings settings, CrmGuardSettings guard, TimeProvider time)
    {
        (this.http, this.credentials, this.endpoint, this.settings, this.time) = (http, credentials, endpoint, settings, time);
        circuit = new Circuit("gemini", "generate");
        breaker = new ResiliencePipelineBuilder<VendorReply> { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<VendorReply>
            {
                StateProvider = circuit.State,
                FailureRatio = guard.FailureRatio,
                MinimumThroughput = Math.Max(2, guard.MinimumThroughput),
                SamplingDuration = guard.Window,
                BreakDuration = guard.BreakDuration,
                // A limit and refused credentials are answers: waiting a moment does not mend them, and they are dealt with elsewhere.
                ShouldHandle = args => ValueTask.FromResult(args.Outcome.Result is { } reply && IsTrouble(reply)),
            })
            .Build();
    }

    /// <summary>Where it asks.</summary>
    public GeminiEndpoint Endpoint => endpoint;

    /// <summary>Asks the model for an answer.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async Task<GeminiAnswer> GenerateAsync(GeminiQuestion question, CancellationToken cancellationToken)
    {
        using var span = ModelTraces.Asking(endpoint.IsVertex ? "gcp.vertex_ai" : "gcp.gemini", settings.Model, settings.MaxOutputTokens, settings.Temperature);
        try
        {
            var reply = await breaker.ExecuteAsync(async token =>
            {
                var begun = time.GetTimestamp();
                var answer = await SendAsync("generateContent", question.Body, token);
                circuit.Called(answer.Trouble, time.GetElapsedTime(begun));
                return answer;
            }, cancellationToken);
            // A caller that goes away looks like a vendor that does not answer.
            cancellationToken.ThrowIfCancellationRequested();
            var answer = GeminiAnswers.Read(reply, settings, endpoint);
            Tell(span, answer);
            return answer;
        }
        catch (BrokenCircuitException open)
        {
            circuit.Rejected();
            ModelTraces.Failed(span, "breaker_open");
            return new GeminiAnswer.BreakerOpen(open.RetryAfter);
        }
    }

    /// <summary>Counts the tokens of a word: shows that address, credentials and model are right, and costs nothing.</summary>
    public Task<VendorReply> CountTokensAsync(CancellationToken cancellationToken) => SendAsync("countTokens", GeminiQuestion.Harmless, cancellationToken);

    private static void Tell(System.Diagnostics.Activity? span, GeminiAnswer answer)
    {
        if (answer is GeminiAnswer.Said or GeminiAnswer.Unusable or GeminiAnswer.Blocked)
            ModelTraces.Answered(span, answer.ModelVersion, answer.FinishReason, answer.Usage.PromptTokens, answer.Usage.OutputTokens + answer.Usage.ThoughtsTokens);
        if (answer is GeminiAnswer.Said)
            return;
        ModelTraces.Failed(span, answer switch
        {
            GeminiAnswer.Unusable unusable => unusable.Why,
            GeminiAnswer.Blocked => "blocked",
            GeminiAnswer.Busy => "rate_limited",
            GeminiAnswer.Refused => "unauthorized",
            GeminiAnswer.RequestRefused => "request_refused",
            _ => "unavailable",
        });
    }

    private async Task<VendorReply> SendAsync(string method, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        for (var renewed = false; ; renewed = true)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, endpoint.Method(method)) { Content = new ReadOnlyMemoryContent(body) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            try
            {
                await credentials.ApplyAsync(request, cancellationToken);
            }
            catch (Exception exception) when (exception is TokenResponseException or HttpRequestException or InvalidOperationException)
            {
                return NoToken(exception);
            }
            var reply = await HttpExchange.SendAsync(http, request, Vendor, settings.Timeout, time, cancellationToken);
            if (reply is not VendorReply.Answer { Status: 401 } || renewed || !await RenewAsync(cancellationToken))
                return reply;
        }
    }

    private async Task<bool> RenewAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await credentials.RenewAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is TokenResponseException or HttpRequestException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Google's token service: a refusal is one of the credentials, anything else passes.</summary>
    private static VendorReply.NotTaken NoToken(Exception exception) => exception is TokenResponseException { StatusCode: >= System.Net.HttpStatusCode.BadRequest and < System.Net.HttpStatusCode.InternalServerError }
        ? new VendorReply.NotTaken(NotNowKind.Unauthorized, CrmFault.Unauthorized, "Google gives out no token for the credentials")
        : new VendorReply.NotTaken(NotNowKind.Transient, CrmFault.Unknown, "Google's token service does not answer");

    private static bool IsTrouble(VendorReply reply) => reply switch
    {
        VendorReply.Answer answer => answer.Status is 408 or >= 500,
        VendorReply.NotTaken none => none.Kind == NotNowKind.Transient,
        _ => true,
    };
}
