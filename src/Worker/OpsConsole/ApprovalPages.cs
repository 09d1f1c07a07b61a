using LeadPipeline.Worker.Approvals;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.OpsConsole.Pages;
using LeadPipeline.Worker.OpsConsole.Views;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.OpsConsole;

/// <summary>What waits for somebody's yes.</summary>
internal static class ApprovalPages
{
    private const int PageSize = 100;

    public static void MapApprovalPages(this IEndpointRouteBuilder app)
    {
        var admin = app.Pages(Access.Admin);
        admin.MapGet("/approvals", async (HttpContext context, ApprovalStore store) =>
            new PageResult<ApprovalsPage, ApprovalsModel>(new ApprovalsModel((await store.ListAsync(null, PageSize, context.RequestAborted)).ConvertAll(ApprovalRequests.Json))))
            .Describe(ConsoleRoutes.Looks("consoleApprovals", "Requests for approval, newest first."));
        admin.MapPost("/approvals/{id:guid}/approve", (Guid id, HttpContext context, ApprovalStore store) =>
            ActAsync(id, new ApprovalAct.Approve(OperatorBody.Actor(context)), "granted", context, store)).Describe(Act("Approve", "Says yes, in the name of the visitor."));
        admin.MapPost("/approvals/{id:guid}/deny", async (Guid id, HttpContext context, ApprovalStore store) =>
            await ActAsync(id, ApprovalRequests.Denial(OperatorBody.Actor(context), await ConsoleForms.ReasonAsync(context)), "denied", context, store)).Describe(Act("Deny", "Says no, for good."));
    }

    private static RouteDescription Act(string verb, string summary) => ConsoleRoutes.Acts($"console{verb}Approval", summary, "ConsoleReason",
        ConsoleRoutes.Html(404, "No such request."), ConsoleRoutes.Html(409, "Refused; the page says why."));

    private static async Task<IResult> ActAsync(Guid id, ApprovalAct act, string said, HttpContext context, ApprovalStore store) => await store.ActAsync(id, act, context.RequestAborted) switch
    {
        null => ConsoleRoutes.Missing("request"),
        { Refusal: not null, Message: var message } => ConsoleRoutes.Refused(message ?? "It is not possible."),
        _ => new SeeOther($"/ops/approvals?said={said}"),
    };
}
