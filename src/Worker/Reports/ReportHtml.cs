using LeadPipeline.Worker.OpsConsole;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.Logging.Abstractions;

namespace LeadPipeline.Worker.Reports;

/// <summary>A report as one page that needs nothing beside it: it can be mailed, kept and opened anywhere.</summary>
internal static class ReportHtml
{
    public static async Task<string> WriteAsync(PipelineReport report)
    {
        await using var services = new ServiceCollection().BuildServiceProvider();
        await using var renderer = new HtmlRenderer(services, NullLoggerFactory.Instance);
        var parameters = ParameterView.FromDictionary(new Dictionary<string, object?> { [nameof(ReportPage.Report)] = report, [nameof(ReportPage.Style)] = ConsoleAssets.Text("console.css") });
        return await renderer.Dispatcher.InvokeAsync(async () => (await renderer.RenderComponentAsync<ReportPage>(parameters)).ToHtmlString());
    }
}
