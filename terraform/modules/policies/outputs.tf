output "json" {
  description = "IAM policies as JSON, by function."
  value = {
    for function, statements in local.statements : function => jsonencode({
      Version   = "2012-10-17"
      Statement = statements
    })
  }
}
