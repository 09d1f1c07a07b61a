using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Execution;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.OpsConsole.Pages;
using LeadPipeline.Worker.OpsConsole.Views;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.OpsConsole;

/// <summary>Circuits, limits and the age of secrets.</summary>
internal static class SystemPages
{
    public static void MapSystemPage(this IEndpointRouteBuilder app) =>
        app.Pages(Access.Admin).MapGet("/system", (GuardedCrm crm, SecretAges secrets, IOptions<RateLimitOptions> rates, IOptions<CrmOptions> provider, IOptions<IntakeOptions> intake, IOptions<AnalysisOptions> analysis) =>
            new PageResult<SystemPage, SystemModel>(new SystemModel([.. crm.Circuits.Select(CircuitView.Of)], Limits(rates.Value.InForce(provider.Value.Provider), intake.Value, analysis.Value), secrets.Read())))
            .Describe(ConsoleRoutes.Looks("consoleSystem", "Circuits, limits and the age of secrets."));

    private static LimitView[] Limits((int PerLead, int PerAccount, int Global) plans, IntakeOptions intake, AnalysisOptions analysis) =>
    [
        new("Plans of one lead", AMinute(plans.PerLead), "RateLimits:PerLead"),
        new("Plans for one company", AMinute(plans.PerAccount), "RateLimits:PerAccount"),
        new("Plans in all", AMinute(plans.Global), "RateLimits:Global"),
        new("Posts of one sender", AMinute(intake.RateLimitPerMinute), "Intake:RateLimitPerMinute"),
        new("Questions to the model", AMinute(analysis.RequestsPerMinute), "Analysis:RequestsPerMinute"),
        new("Tokens of the model", AMinute(analysis.TokensPerMinute), "Analysis:TokensPerMinute"),
    ];

    private static string AMinute(int count) => count == 0 ? "no limit" : $"{Words.Count(count)} a minute";
}
