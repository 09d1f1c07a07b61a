using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Mcp.Crm.Salesforce;

namespace LeadPipeline.Mcp.Tests.Crm.Salesforce;

public sealed class SalesforceIdsTests
{
    [TestCase("00QR00000064wdt", "00QR00000064wdtMAA")]
    [TestCase("00QR00000064wdtMAA", "00QR00000064wdtMAA")]
    [TestCase("00Q000000000000", "00Q000000000000EAA")]
    [TestCase("00QR00000064wdtmaa", "00QR00000064wdtMAA")]
    [TestCase("00QR00000064wdtMAB", null)]
    [TestCase("001R00000064wdtIAA", null)]
    [TestCase("00QR00000064wd", null)]
    [TestCase("00QR00000064wdtMA", null)]
    [TestCase("00QR00000064w't", null)]
    [TestCase("00QR0000006４wdt", null)]
    [TestCase("", null)]
    [TestCase(null, null)]
    public void An_id_is_taken_by_its_shape_and_prefix_and_suffix(string? id, string? expected)
    {
        Assert.That(SalesforceIds.Normalise(id, CrmObject.Lead), Is.EqualTo(expected));
    }

    [TestCase(CrmObject.Lead)]
    [TestCase(CrmObject.Account)]
    [TestCase(CrmObject.Opportunity)]
    [TestCase(CrmObject.Task)]
    public void The_mock_crm_makes_ids_of_the_same_shape(CrmObject kind)
    {
        var id = RecordIds.For(kind, "some key");

        Assert.That(SalesforceIds.Normalise(id, kind), Is.EqualTo(id));
    }
}
