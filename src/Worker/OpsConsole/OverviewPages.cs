using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.OpsConsole.Pages;
using LeadPipeline.Worker.OpsConsole.Views;

namespace LeadPipeline.Worker.OpsConsole;

/// <summary>How things stand.</summary>
internal static class OverviewPages
{
    public static void MapOverview(this IEndpointRouteBuilder app) =>
        app.Pages(Access.Visitor).MapGet("", async (HttpContext context, OverviewReader overview, GuardedCrm crm) =>
            new PageResult<OverviewPage, OverviewModel>(new OverviewModel(
                await overview.ReadAsync(context.RequestAborted),
                context.User.IsInRole(Access.Admin) ? [.. crm.Circuits.Select(CircuitView.Of)] : [])))
            .Describe(ConsoleRoutes.Looks("consoleOverview", "How the pipeline stands."));
}
