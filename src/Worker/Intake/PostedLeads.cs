using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Ops;

namespace LeadPipeline.Worker.Intake;

/// <summary>One lead of a post.</summary>
/// <param name="Body">The lead in our own shape; of no meaning when there is an error.</param>
/// <param name="Key">The sender's key for it, if any.</param>
/// <param name="Error">Why it cannot even be tried.</param>
public readonly record struct PostedLead(JsonElement Body, string? Key, FieldError? Error = null);

/// <summary>Hands the leads of a post to the door and says what became of them, in the same words at every HTTP door.</summary>
/// <param name="Door">The way in.</param>
/// <param name="Name"><c>api</c>, or the webhook's or form's name.</param>
/// <param name="Trusted">Whether the sender's blocks are believed.</param>
/// <param name="BodyHash">SHA-256 of the body when another body under the same key is a conflict; null when it is the same lead all the same.</param>
public sealed record PostedLeads(LeadDoor Door, string Name, bool Trusted, string? BodyHash = null)
{
    /// <summary>Leads that one post may hold.</summary>
    public const int Most = 1000;

    private const int Together = 64;

    /// <summary>Takes a lead that came by itself.</summary>
    /// <exception cref="BusUnavailableException">It cannot be kept now.</exception>
    public Task<DoorAnswer> TakeAsync(PostedLead lead, CancellationToken cancellationToken) => lead.Error is { } error
        ? Task.FromResult<DoorAnswer>(new DoorAnswer.Refused([error]))
        : Door.TakeAsync(lead.Body, Name, Trusted, lead.Key, BodyHash, cancellationToken);

    /// <summary>Takes several, answered one by one.</summary>
    /// <exception cref="BusUnavailableException">One of them cannot be kept now; the sender has to post all of them again.</exception>
    public async Task<IResult> TakeAsync(IReadOnlyList<PostedLead> leads, CancellationToken cancellationToken)
    {
        var answers = new DoorAnswer[leads.Count];
        await Parallel.ForEachAsync(Enumerable.Range(0, leads.Count), new ParallelOptions { MaxDegreeOfParallelism = Together, CancellationToken = cancellationToken },
            async (i, token) => answers[i] = await TakeAsync(leads[i], token));
        var body = new JsonObject { ["results"] = new JsonArray([.. answers.Select((a, i) => (JsonNode)Result(i, a))]) };
        return Results.Json(body, statusCode: answers.Any(a => a is DoorAnswer.Accepted) ? 202 : 400, contentType: "application/json");
    }

    /// <summary>The answer for one lead.</summary>
    public static IResult Answer(DoorAnswer answer) => answer switch
    {
        DoorAnswer.Accepted accepted => Results.Json(Accepted(accepted.LeadId, accepted.Duplicate), statusCode: 202),
        DoorAnswer.Refused refused => Problems.Of(400, "invalid", "The lead is not valid.", [.. refused.Errors]),
        DoorAnswer.Taken taken => Problems.Of(409, "conflict", "The key or id is taken.", taken.Error),
        _ => throw new InvalidOperationException("A door either takes a lead or refuses it."),
    };

    /// <summary>What is said of an accepted lead.</summary>
    public static JsonObject Accepted(Guid leadId, bool duplicate) => new() { ["leadId"] = leadId.ToString(), ["status"] = "accepted", ["duplicate"] = duplicate };

    /// <summary>The answer when a lead cannot be kept.</summary>
    public static IResult NotNow(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "5";
        return Problems.Of(503, "unavailable", "The lead cannot be kept now. Nothing was accepted beyond what was answered; send it again after a while.");
    }

    private static JsonObject Result(int index, DoorAnswer answer) => answer switch
    {
        DoorAnswer.Accepted accepted => new() { ["index"] = index, ["leadId"] = accepted.LeadId.ToString(), ["duplicate"] = accepted.Duplicate },
        DoorAnswer.Refused refused => new() { ["index"] = index, ["errors"] = Problems.Errors(refused.Errors) },
        DoorAnswer.Taken taken => new() { ["index"] = index, ["errors"] = Problems.Errors([taken.Error]) },
        _ => throw new InvalidOperationException("A door either takes a lead or refuses it."),
    };
}
