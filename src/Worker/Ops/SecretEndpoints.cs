using System.Text.Json.Nodes;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Secrets;

namespace LeadPipeline.Worker.Ops;

/// <summary>What a rotation of CRM credentials needs from this worker. No answer holds a secret.</summary>
public static class SecretEndpoints
{
    /// <summary>Maps them; all need the role <c>admin</c>.</summary>
    public static void MapSecrets(this IEndpointRouteBuilder app)
    {
        var admin = app.MapGroup("/admin").RequireAuthorization(Access.Admin);
        admin.MapPost("/clear-secret-cache", Clear).Describe(new RouteDescription("clearSecretCache", "admin", "Makes this worker ask for its secrets again.")
        {
            Details = "Each worker keeps its own for up to five minutes: call each of them, or wait.",
            Answers = [new RouteAnswer(200, "It will.", "SecretsCleared")],
        });
        admin.MapPost("/verify-secret", VerifyAsync).Describe(new RouteDescription("verifySecret", "admin", "Tries a version of a CRM's credentials at the CRM, with reads only.")
        {
            Details = "What is in use stays in use. For the pending version, before it is promoted.",
            Bodies = [new RouteBody("application/json", "SecretToVerify")],
            Answers =
            [
                new RouteAnswer(200, "It was tried.", "SecretVerdict"),
                RouteAnswer.Problem(400, "No such CRM or stage."),
                RouteAnswer.Problem(409, "The CRM's credentials are not in Secrets Manager."),
            ],
        });
    }

    private static IResult Clear(CrmSecretSources sources, CrmHealth health)
    {
        sources.Clear();
        health.Forget();
        return Results.Json(new JsonObject { ["success"] = true });
    }

    private static async Task<IResult> VerifyAsync(HttpContext context, SecretVerifier verifier)
    {
        var body = await OperatorBody.ReadAsync(context);
        if (!Enum.TryParse<CrmProviderKind>(OperatorBody.Text(body, "provider"), ignoreCase: true, out var provider) || provider is not (CrmProviderKind.Salesforce or CrmProviderKind.HubSpot))
            return OperatorBody.Invalid("provider", "is no CRM with a secret", "use salesforce or hubspot");
        var stage = OperatorBody.Text(body, "stage") ?? SecretStages.Current;
        if (!SecretStages.All.Contains(stage))
            return OperatorBody.Invalid("stage", "is none", $"use {string.Join(", ", SecretStages.All)}");
        return await verifier.VerifyAsync(provider, stage, context.RequestAborted) is { } verdict
            ? Results.Json(new JsonObject { ["provider"] = provider.ToString().ToLowerInvariant(), ["stage"] = stage, ["valid"] = verdict.Valid, ["versionId"] = verdict.Version, ["reason"] = verdict.Reason })
            : Problems.Of(409, "not-configured", "This CRM's credentials are not in Secrets Manager: set AWS_SECRET_NAME_SALESFORCE or AWS_SECRET_NAME_HUBSPOT.");
    }
}
