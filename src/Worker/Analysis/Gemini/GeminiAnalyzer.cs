using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>
/// The analyzer that asks Google's model. It checks that the answer is one JSON object and nothing else about it: what is inside is for
/// grounding to judge. One way for both services, Vertex AI and the Developer API, which differ in <see cref="GeminiEndpoint"/> and credentials.
/// </summary>
public sealed partial class GeminiAnalyzer(
    GeminiClient client,
    GeminiPrompt prompt,
    GeminiSettings settings,
    ModelLimits limits,
    EarlierAnswers earlier,
    TimeProvider time,
    ILogger<GeminiAnalyzer> logger) : IAnalyzer, IAnalyzerProbe
{
    /// <summary>The vendor's own advice: no more than two immediate retries.</summary>
    private const int MostTries = 3;

    private readonly ModelPause pause = new(time);
    private readonly QuestionForm form = new(prompt, settings);

    /// <inheritdoc/>
    public string Name => "gemini/1";

    /// <inheritdoc/>
    public bool IsRemote => true;

    /// <inheritdoc/>
    public async ValueTask<AnalysisTurn> EnterAsync(string? deferredFor, CancellationToken cancellationToken)
    {
        var turn = new AnalysisTurn(deferredFor);
        if (pause.Enter() is { } paused)
            return turn with { NotNow = new(paused.Reason, Failed: false) { AtLeast = paused.Wait } };
        var (taken, answer) = await limits.EnterAsync(returning: deferredFor is NotNowReasons.OurLimit or NotNowReasons.AskAgain);
        return answer.IsAdmitted
            ? turn with { TokensHeld = taken }
            : turn with { NotNow = new(NotNowReasons.OurLimit, Failed: false) { Until = answer.Until } };
    }

    /// <inheritdoc/>
    public async Task<AnalysisOutcome> AnalyzeAsync(AnalysisRequest request, CancellationToken cancellationToken)
    {
        // Put off in order to be asked again: then this is the one time that it is.
        var isAgain = request.Turn.DeferredFor == NotNowReasons.AskAgain;
        var question = form.Of(request.Snapshot, isAgain);
        var asking = new Asking(new ModelCall { Model = settings.Model, PromptHash = prompt.Hash, QuestionHash = question.Hash }, time.GetTimestamp()) { Taken = request.Turn.TokensHeld };
        if (settings.ReuseFor > TimeSpan.Zero && await earlier.FindAsync(question.Hash, settings.ReuseFor, cancellationToken) is var (json, version))
        {
            await SettleAsync(asking, unasked: 1);
            var reused = asking.Call with { ModelVersion = version, FinishReason = "STOP" };
            return new AnalysisOutcome.Answered(new AnalyzerAnswer(Name, json, reused)) { Call = reused };
        }
        try
        {
            var outcome = await AskAsync(question, isAgain, request.Snapshot, asking, cancellationToken);
            return outcome with { Call = asking.Call };
        }
        finally
        {
            AnalysisMeters.Took(settings.Model, time.GetElapsedTime(asking.Began));
            // The lead need not wait until others may have what it did not use.
            _ = SettleAsync(asking);
        }
    }

    /// <inheritdoc/>
    public async Task<(bool Well, string Says)> ProbeAsync(CancellationToken cancellationToken)
    {
        var reply = await client.CountTokensAsync(cancellationToken);
        if (reply is VendorReply.Answer { Status: 200, Body: System.Text.Json.Nodes.JsonObject body } && body["totalTokens"] is not null)
            return (true, $"{settings.Model} on {client.Endpoint.Service} answers; prompt {prompt.Hash[..12]}");
        return GeminiAnswers.Read(reply, settings, client.Endpoint) switch
        {
            GeminiAnswer.Refused refused => (false, $"{client.Endpoint.Service} says {refused.Code}: {refused.Remedy}"),
            GeminiAnswer.RequestRefused refused => (false, $"{client.Endpoint.Service} says {refused.Code}: check Gemini:Model and Gemini:BaseUrl"),
            GeminiAnswer.Busy => (false, $"{client.Endpoint.Service} says that too much is asked of it: check the quota; leads would wait"),
            _ when reply is VendorReply.NotTaken none => (false, $"{none.Message}: check Gemini:BaseUrl and the way out to the network"),
            _ when reply is VendorReply.Lost lost => (false, $"{lost.Message}: check the way out to the network"),
            GeminiAnswer.Unavailable => (false, $"{client.Endpoint.Service} does not work at the moment; leads would wait"),
            _ => (false, $"what answers is not {client.Endpoint.Service}: check Gemini:BaseUrl"),
        };
    }

    /// <summary>Asks, and asks once more when the answer cannot be used.</summary>
    private async Task<AnalysisOutcome> AskAsync(GeminiQuestion question, bool isAgain, EvidenceSnapshot snapshot, Asking asking, CancellationToken cancellationToken)
    {
        while (true)
        {
            var answer = await TryAsync(question, asking, cancellationToken);
            if (answer is GeminiAnswer.Said said && SecondLook.IsDue(snapshot, said.Json, settings.SecondLookAbove))
                return await LookAgainAsync(said, snapshot, asking, cancellationToken);
            if (answer is not GeminiAnswer.Unusable unusable || isAgain)
                return Outcome(answer, asking);
            Log.AskedAgain(logger, unusable.Why);
            var (taken, room) = await limits.EnterAsync(returning: true);
            if (!room.IsAdmitted)
                return new AnalysisOutcome.NotNow(NotNowReasons.AskAgain, Failed: true) { AtLeast = room.Until - time.GetUtcNow() };
            asking.Taken += taken;
            (question, isAgain) = (form.Of(snapshot, again: true), true);
        }
    }

    /// <summary>Asks without the person's words, and takes the answer that promises less.</summary>
    private async Task<AnalysisOutcome> LookAgainAsync(GeminiAnswer.Said first, EvidenceSnapshot snapshot, Asking asking, CancellationToken cancellationToken)
    {
        // Not refused by the limit: half of the question has been paid for. The others wait the longer for it.
        asking.Taken += await limits.TakeAsync();
        var second = await TryAsync(form.Of(snapshot, withWords: false), asking, cancellationToken);
        if (second is not GeminiAnswer.Said other)
            return Outcome(second, asking);
        var lower = SecondLook.Lower(first.Json, other.Json);
        Log.LookedAgain(logger, lower.Equals(first.Json) ? "the same or more" : "less, and is taken");
        return Outcome(first with { Json = lower }, asking);
    }

    /// <summary>One answer, with few tries for what passes by itself.</summary>
    private async Task<GeminiAnswer> TryAsync(GeminiQuestion question, Asking asking, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            var answer = await client.GenerateAsync(question, cancellationToken);
            asking.Add(answer);
            if (answer.Usage != ModelUsage.None)
                AnalysisMeters.Consumed(settings.Model, answer.Usage);
            if (Wait(answer, tries) is not { } wait || tries >= Math.Min(settings.Attempts, MostTries) || time.GetElapsedTime(asking.Began) + wait > settings.Patience)
                return Heed(answer);
            await Task.Delay(wait, time, cancellationToken);
            // Each try is a request; its tokens are those of the first one.
            if (await limits.EnterAsync(returning: true, tokens: 0) is { Answer.IsAdmitted: false })
                return Heed(answer);
        }
    }

    /// <summary>How long to wait before another try in place; null: none is of use.</summary>
    private TimeSpan? Wait(GeminiAnswer answer, int tries)
    {
#pragma warning disable CA5394 // A delay, not a secret.
        var jitter = 0.5 + Random.Shared.NextDouble();
#pragma warning restore CA5394
        var backoff = settings.BaseDelay * Math.Pow(2, tries - 1) * jitter;
        TimeSpan? wait = answer switch
        {
            GeminiAnswer.Unavailable => backoff,
            GeminiAnswer.Busy { RetryAfter: { } asked } => asked + (settings.BaseDelay * jitter),
            GeminiAnswer.Busy => settings.BusyDelay + backoff,
            _ => null,
        };
        return wait <= settings.MaxDelay ? wait : answer is GeminiAnswer.Unavailable ? settings.MaxDelay : null;
    }

    /// <summary>What an answer says about all that will be asked after it.</summary>
    private GeminiAnswer Heed(GeminiAnswer answer)
    {
        switch (answer)
        {
            case GeminiAnswer.Busy busy:
                _ = pause.Begin(NotNowReasons.VendorLimit, busy.RetryAfter ?? settings.BusyFor);
                break;
            case GeminiAnswer.BreakerOpen open:
                _ = pause.Begin(NotNowReasons.BreakerOpen, open.RetryAfter ?? settings.BusyFor);
                break;
            case GeminiAnswer.Refused refused:
                if (pause.Begin(NotNowReasons.Refused, settings.RefusedFor))
                    Log.Refused(logger, refused.Code, refused.Remedy);
                break;
            case GeminiAnswer.Unavailable:
                break;
            default:
                if (pause.End())
                    Log.AnswersAgain(logger);
                break;
        }
        return answer;
    }

    private AnalysisOutcome Outcome(GeminiAnswer answer, Asking asking)
    {
        if (answer is GeminiAnswer.RequestRefused request)
            Log.RequestRefused(logger, request.Code);
        return answer switch
        {
            GeminiAnswer.Said said => new AnalysisOutcome.Answered(new AnalyzerAnswer(Name, said.Json, asking.Call)),
            GeminiAnswer.Blocked blocked => new AnalysisOutcome.Blocked(blocked.Why),
            GeminiAnswer.Unusable unusable => new AnalysisOutcome.Unusable(unusable.Why),
            GeminiAnswer.Busy busy => new AnalysisOutcome.NotNow(NotNowReasons.VendorLimit, Failed: false) { AtLeast = busy.RetryAfter },
            GeminiAnswer.BreakerOpen open => new AnalysisOutcome.NotNow(NotNowReasons.BreakerOpen, Failed: false) { AtLeast = open.RetryAfter },
            GeminiAnswer.Refused => new AnalysisOutcome.NotNow(NotNowReasons.Refused, Failed: false) { AtLeast = settings.RefusedFor },
            GeminiAnswer.RequestRefused => new AnalysisOutcome.NotNow(NotNowReasons.RequestRefused, Failed: true),
            _ => new AnalysisOutcome.NotNow(NotNowReasons.Unavailable, Failed: true),
        };
    }

    private async Task SettleAsync(Asking asking, int unasked = 0)
    {
        try
        {
            await limits.SettleAsync(asking.Taken, asking.IsUsageKnown ? asking.Call.Usage.TotalTokens() : null, asking.Call.Answers, unasked);
        }
#pragma warning disable CA1031 // The answer is paid for: a database that is away for a moment must not cost it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.NotSettled(logger, exception);
        }
    }

    /// <summary>What one analysis has cost so far.</summary>
    private sealed class Asking(ModelCall call, long began)
    {
        /// <summary>When it began.</summary>
        public long Began { get; } = began;

        /// <summary>The call as it is kept.</summary>
        public ModelCall Call { get; private set; } = call;

        /// <summary>Tokens that were taken from the limit.</summary>
        public int Taken { get; set; }

        /// <summary>An answer that was lost may have cost tokens of which nobody has told us.</summary>
        public bool IsUsageKnown { get; private set; } = true;

        public void Add(GeminiAnswer answer)
        {
            IsUsageKnown &= answer is not GeminiAnswer.Unavailable;
            if (answer is GeminiAnswer.Said or GeminiAnswer.Unusable or GeminiAnswer.Blocked)
                Call = Call with { Answers = Call.Answers + 1, Usage = Call.Usage.Plus(answer.Usage), ModelVersion = answer.ModelVersion, FinishReason = answer.FinishReason };
        }
    }

    private static partial class Log
    {
        [LoggerMessage(210, LogLevel.Error, "The model refuses us ({Code}), and leads wait until that is mended: {Remedy}")]
        public static partial void Refused(ILogger logger, string code, string remedy);

        [LoggerMessage(211, LogLevel.Information, "The model answers again")]
        public static partial void AnswersAgain(ILogger logger);

        [LoggerMessage(212, LogLevel.Error, "The model refuses a request ({Code}); the lead is tried again and dead-lettered in the end")]
        public static partial void RequestRefused(ILogger logger, string code);

        [LoggerMessage(213, LogLevel.Warning, "An answer of the model could not be used ({Why}); it is asked once more")]
        public static partial void AskedAgain(ILogger logger, string why);

        [LoggerMessage(216, LogLevel.Warning, "An answer of the model was far above the facts; without the person's words it says {Outcome}")]
        public static partial void LookedAgain(ILogger logger, string outcome);

        [LoggerMessage(214, LogLevel.Warning, "The tokens of an answer could not be set against the limit")]
        public static partial void NotSettled(ILogger logger, Exception exception);
    }
}
